// Renders components with helm as Argo CD does. `node render.mjs FOLDER` renders all of them in all lanes.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const COMPONENTS = 'environments/_shared/components';
const VALUES = 'sources/values';

const run = promisify(execFile);

/** Something that the person who reads the log has to correct. */
export class Refused extends Error {}

/** The settings of kit.yaml. Throws where the kit was not updated after they had changed. */
export function readKit() {
  const { source, kit } = JSON.parse(readFileSync('.github/primitive/kit.json', 'utf8'));
  const settings = readFileSync('kit.yaml', 'utf8').replaceAll('\r\n', '\n');
  const digest = createHash('sha256').update(settings).digest('hex');
  if (source === `sha256:${digest}`) return kit;
  throw new Refused('kit.yaml has changed since the kit was installed. Run: primitive gitops init --update');
}

/** A component.yaml, checked: its name, the folder of its values, its chart. */
export async function readComponent(file) {
  // Helm reads YAML; Node does not.
  const { stdout } = await helm(['template', 'yaml', '.github/primitive/yaml', '--values', file]);
  const component = JSON.parse(stdout.slice(stdout.indexOf('{')));
  for (const key of ['name', 'area', 'chart']) {
    if (typeof component[key] !== 'string') throw new Refused(`${file}: \`${key}\` is missing`);
  }
  if (!file.endsWith(`/${component.name}/component.yaml`))
    throw new Refused(`${file}: \`name\` must be that of its folder, not ${component.name}`);
  if (existsSync(join(component.chart, 'Chart.yaml'))) return component;
  throw new Refused(`${file}: \`chart\` is no folder of a chart: ${component.chart}`);
}

/** The values files of a component in a lane. Later ones win; this is the order of argocd/applicationsets, too. */
function valuesOf({ name, area }, lane) {
  return [
    `${VALUES}/base/globals.yaml`,
    `${VALUES}/cluster/${lane.cluster}/globals.yaml`,
    `${VALUES}/env/${lane.name}/globals.yaml`,
    `${VALUES}/_shared/${area}/${name}.yaml`,
    `${VALUES}/env/${lane.name}/${area}/${name}.yaml`,
  ];
}

/** The manifests of a component in a lane. `overrides` are values in JSON, by key. */
export async function renderComponent(component, lane, overrides = {}) {
  const { name, chart } = component;
  const values = valuesOf(component, lane).filter((file) => existsSync(file));
  const { stdout } = await helm([
    ...['template', name, chart, '--namespace', lane.namespace],
    ...values.flatMap((file) => ['--values', file]),
    ...Object.entries(overrides).flatMap(([key, value]) => ['--set-json', `${key}=${JSON.stringify(value)}`]),
  ]);
  return stdout;
}

async function helm(args) {
  try {
    return await run('helm', args, { maxBuffer: 64 * 1024 * 1024 });
  } catch (error) {
    if (error.code === 'ENOENT') throw new Refused('helm is not on PATH');
    throw new Refused(`helm ${args.slice(0, 3).join(' ')}: ${(error.stderr || error.message).trim()}`);
  }
}

/** Prints an error as an annotation of GitHub Actions, and fails. */
export function report(error) {
  const text = error instanceof Refused ? error.message : error.stack;
  const escaped = text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
  console.log(`::error::${escaped}`);
  process.exitCode = 1;
}

/** The YAML files in a folder, at any depth. */
function yamlIn(folder) {
  if (!existsSync(folder)) return [];
  const paths = readdirSync(folder, { recursive: true }).map((path) => join(folder, path));
  return paths.filter((path) => /\.ya?ml$/.test(path)).sort();
}

/** Refuses what looks as if it were in effect: files beside those of components that no lane and no preview reads. */
function refuseUnread(components, { lanes, previews }) {
  const places = [...lanes, { name: 'preview', cluster: previews.cluster }];
  const read = new Set(
    components.flatMap((component) => places.flatMap((lane) => valuesOf(component, lane))),
  );
  const areas = new Set(components.map(({ area }) => area));
  for (const file of yamlIn(VALUES)) {
    const area = dirname(file).replace(/^sources\/values\/(_shared|env\/[^/]+)\//, '');
    if (areas.has(area) && !read.has(file))
      report(new Refused(`${file}: no component of area ${area} reads it in any lane`));
  }
  for (const file of yamlIn(COMPONENTS)) {
    if (!file.endsWith('/component.yaml'))
      report(new Refused(`${file}: only component.yaml is read here; values are in ${VALUES}`));
  }
}

/** Every component in every lane, four at a time; one that fails stops no other. */
async function renderAll(folder) {
  const kit = readKit();
  const { lanes } = kit;
  const files = yamlIn(COMPONENTS).filter((path) => path.endsWith('/component.yaml'));
  const components = new Map();
  const work = files.flatMap((file) => lanes.map((lane) => ({ file, lane })));
  let rendered = 0;
  const owners = new Map();
  const worker = async () => {
    for (let next = work.shift(); next !== undefined; next = work.shift()) {
      const { file, lane } = next;
      try {
        const component = await readComponent(file);
        const target = join(folder, lane.name, `${component.name}.yaml`);
        // Argo CD stops at two Applications of one name, in all lanes.
        const owner = owners.get(target) ?? file;
        if (owner !== file) throw new Refused(`${owner} has the same \`name\`: ${component.name}`);
        owners.set(target, file);
        components.set(file, component);
        mkdirSync(dirname(target), { recursive: true });
        writeFileSync(target, await renderComponent(component, lane));
        rendered += 1;
      } catch (error) {
        report(error instanceof Refused ? new Refused(`${file} in ${lane.name}: ${error.message}`) : error);
      }
    }
  };
  mkdirSync(folder, { recursive: true });
  await Promise.all([worker(), worker(), worker(), worker()]);
  // What belongs to a component that cannot be read is not known.
  if (components.size === files.length) refuseUnread([...components.values()], kit);
  console.log(
    `${rendered} of ${files.length * lanes.length} renders succeeded: ${files.length} components, ${lanes.length} lanes`,
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await renderAll(process.argv[2] ?? 'rendered').catch(report);
}
