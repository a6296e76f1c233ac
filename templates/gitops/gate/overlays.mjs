// Overlays of Kustomize that lanes of kit.yaml name (`overlays`): built as they are, and held to what components are held to.
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';
import { helm, helmYaml, Refused } from './helm.mjs';
import { pathsIn } from './links.mjs';

const run = promisify(execFile);
const NAMES = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'];
/** Keys of a kustomization that name files, folders or addresses. */
const LISTS = [
  ...['resources', 'bases', 'components', 'crds', 'configurations'],
  ...['generators', 'transformers', 'validators', 'patchesStrategicMerge'],
];

const fileIn = (folder) => NAMES.map((name) => join(folder, name)).find((file) => existsSync(file));

/** The folders that a pattern matches; `*` is any part of one name. */
function expand(pattern) {
  return pattern.split('/').reduce(
    (folders, part) => {
      if (!part.includes('*')) return folders.map((folder) => join(folder, part));
      const literals = part.split('*').map((text) => text.replace(/[.+]/g, '\\$&'));
      const name = new RegExp(`^${literals.join('[^/]*')}$`);
      return folders.flatMap((folder) =>
        existsSync(folder) && statSync(folder).isDirectory()
          ? readdirSync(folder)
              .filter((entry) => name.test(entry) && !entry.startsWith('.'))
              .map((entry) => join(folder, entry))
          : [],
      );
    },
    ['.'],
  );
}

/** The overlays of a lane; throws for a pattern of its own that matches none. `required`: those of kit.yaml as it is now. */
export function overlaysOf({ name, overlays = [], required = overlays }) {
  const found = overlays.map((pattern) => {
    const folders = expand(pattern).filter((folder) => fileIn(folder) !== undefined);
    if (folders.length === 0 && required.includes(pattern))
      throw new Refused(`kit.yaml: \`overlays\` of ${name} has ${pattern}, where no kustomization.yaml is`);
    return folders;
  });
  return [...new Set(found.flat())].sort();
}

/** Adds the folders that an overlay is made of; throws for what is not in this repository: nobody has reviewed that. */
async function addFolders(folder, into) {
  const file = fileIn(folder);
  if (into.has(folder) || file === undefined) return;
  into.add(folder);
  const data = await helmYaml(readFileSync(file, 'utf8'));
  for (const [key, value] of Object.entries(data)) {
    for (const path of pathsOf(value, LISTS.includes(key))) {
      const target = join(folder, path);
      if (/^[a-z+]+:|^git@/i.test(path) || !existsSync(target))
        throw new Refused(`${file}: ${path} is not in this repository, so the gate does not build it`);
      if (relative(realpathSync('.'), realpathSync(target)).startsWith('..'))
        throw new Refused(`${file}: ${path} leads out of the repository`);
      if (statSync(target).isDirectory()) await addFolders(join(target, '.'), into);
    }
  }
}

/** What a value of a kustomization names; a text of several lines is what it would name. */
function pathsOf(value, isList = false) {
  if (typeof value === 'string') return isList && !value.includes('\n') ? [value] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => {
    if (key === 'path' || key === 'env') return pathsOf(item, true);
    // NAME=FILE
    if (key === 'files' || key === 'envs')
      return [item].flat().map((text) => String(text).replace(/^[^=]*=/, ''));
    return pathsOf(item, isList && Array.isArray(value));
  });
}

/** What kustomize makes of an overlay. Throws for what it refuses: remote bases, charts, programs as plugins. */
export async function buildOverlay(folder) {
  await addFolders(folder, new Set());
  try {
    const options = { maxBuffer: 64 * 1024 * 1024, timeout: 60_000 };
    return (await run('kubectl', ['kustomize', folder], options)).stdout;
  } catch (error) {
    if (error.code === 'ENOENT') throw new Refused('kubectl, which builds overlays, is not on PATH');
    throw new Refused(`kubectl kustomize ${folder}: ${(error.stderr || error.message).trim()}`);
  }
}

/**
 * Throws for objects that no component of a lane could have. The chart `raw-manifests` in the folder `charts` judges them;
 * `policy` are its values of images.
 */
export async function judgeOverlay(text, { namespace }, policy, charts) {
  const chart = join(charts, 'raw-manifests');
  if (!existsSync(chart)) throw new Refused(`${chart} is missing: the gate judges overlays by it`);
  const list = text
    .split(/^---$/m)
    .filter((part) => /^[^#\s]/m.test(part))
    .map((part) => `  -\n${part.replace(/^(?=.)/gm, '    ')}\n`);
  const { objects } = await helmYaml(`objects:\n${list.join('')}`);
  const manifests = (objects ?? []).map((object) => {
    const { namespace: own, ...metadata } = object.metadata ?? {};
    if (own !== undefined && own !== namespace)
      throw new Refused(`${object.kind} ${metadata.name} is in namespace ${own}, not in ${namespace}`);
    return { ...object, metadata };
  });
  // The chart renders its values as templates once more.
  const values = JSON.stringify({ enabled: true, manifests }).replaceAll('{{', '{{ `{{` }}');
  const args = ['template', 'overlay', chart, '--namespace', namespace, '--values', '-'];
  const sets = Object.entries(policy).flatMap(([key, value]) => [
    '--set-json',
    `${key}=${JSON.stringify(value)}`,
  ]);
  await helm([...args, ...sets], values);
}

/** Folders with a kustomization that no lane has: they are not judged. */
export async function leftOverlays(lanes) {
  const used = new Set();
  for (const folder of lanes.flatMap((lane) => overlaysOf(lane)))
    await addFolders(folder, used).catch(() => undefined);
  const known = new Set([...used].map((folder) => resolve(folder)));
  const all = pathsIn('.')
    .filter((path) => NAMES.includes(path.split('/').at(-1)) && !/(^|\/)node_modules\//.test(path))
    .map((path) => join(path, '..'));
  return all.filter((folder) => !known.has(resolve(folder))).sort();
}
