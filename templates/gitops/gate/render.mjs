// Renders components with helm as Argo CD does. `node render.mjs FOLDER` renders all of them in all lanes, in the
// repository that it is run in. Its own code and policy are those of the repository that this file is in: the gate runs
// it from the commit that a change is made to, so that no change judges itself.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { refuseAdmission } from './admission.mjs';
import { codeOf, fillSource, previewOf, readDeployments } from './applicationsets.mjs';
import { helm, helmYaml, Refused, report } from './helm.mjs';
import { pathsIn, refuseLinks } from './links.mjs';
import { buildOverlay, judgeOverlay, leftOverlays, overlaysOf } from './overlays.mjs';
import { objectsIn, sayRemoved } from './removed.mjs';

const OWN = dirname(fileURLToPath(import.meta.url));
const PRIMITIVE = '.github/primitive';
const COMPONENTS = 'environments/_shared/components';
const VALUES = 'sources/values';

export { Refused, report };

/**
 * The settings of kit.yaml in a repository, as the kit was installed for them. Throws where it was not updated after they
 * had changed.
 */
export function readKit(root = '.') {
  const text = readFileSync(join(root, PRIMITIVE, 'kit.json'), 'utf8');
  const { source, kit, argocd, parts = [], components } = JSON.parse(text);
  const settings = readFileSync(join(root, 'kit.yaml'), 'utf8').replaceAll('\r\n', '\n');
  const digest = createHash('sha256').update(settings).digest('hex');
  if (source === `sha256:${digest}`) return { ...kit, argocd, parts, components };
  throw new Refused('kit.yaml has changed since the kit was installed. Run: primitive gitops init --update');
}

/** A YAML file as data. */
export async function readYaml(file, root = '.') {
  try {
    return await helmYaml(readFileSync(join(root, file), 'utf8'));
  } catch (error) {
    throw error instanceof Refused ? new Refused(`${file}: ${error.message}`) : error;
  }
}

/**
 * A component.yaml, checked: `name`, `area` (folder of its values), `chart` (its name); of a part of another component
 * `of` instead of a chart.
 */
export async function readComponent(file, kit, root = '.') {
  const { charts, components } = kit;
  const component = await readYaml(file, root);
  const { name, chart, source, of: whole } = component;
  for (const key of ['name', 'area', ...(whole === undefined ? ['chart'] : ['of'])]) {
    if (typeof component[key] !== 'string') throw new Refused(`${file}: \`${key}\` is missing`);
  }
  for (const key of ['name', 'area', ...(component.kind === undefined ? [] : ['kind'])]) {
    if (!/^[a-z0-9]([a-z0-9-]{0,51}[a-z0-9])?$/.test(component[key]))
      throw new Refused(
        `${file}: \`${key}\` is ${JSON.stringify(component[key])}; it has lower-case letters, digits and hyphens, at most 53`,
      );
  }
  if (codeOf(component, kit) === undefined) {
    const known = components.code.flatMap(({ names }) => names);
    throw new Refused(
      `${file}: \`source\` is ${JSON.stringify(source)}; code repositories in kit.yaml are ${known.join(', ') || 'none'}`,
    );
  }
  if (!file.endsWith(`/${name}/component.yaml`))
    throw new Refused(`${file}: \`name\` must be that of its folder, not ${name}`);
  if (whole !== undefined) {
    const names = suffixesOf(components).map((suffix) => `${whole}${suffix}`);
    if (!names.includes(name))
      throw new Refused(`${file}: a part of ${whole} is called ${names.join(' or ')}`);
    return component;
  }
  if (suffixesOf(components).some((suffix) => name.endsWith(suffix)))
    throw new Refused(`${file}: a component that is called so is a part of another, which \`of\` names`);
  if (!components.charts.includes(chart))
    throw new Refused(
      `${file}: \`chart\` is ${chart}; charts of components are ${components.charts.join(', ')}`,
    );
  if (existsSync(join(root, charts, chart, 'Chart.yaml'))) return component;
  throw new Refused(`${file}: \`chart\` is no folder of a chart: ${charts}/${chart}`);
}

/** What the parts of a component are called after its name. */
function suffixesOf({ sources }) {
  return sources.flatMap(({ suffix }) => (suffix === '' ? [] : [suffix]));
}

/**
 * What the Application of a component in a lane is made from: charts, names of releases, values files of which later ones win,
 * and values after all of them. By the ApplicationSet of the lane, if `deployments` has it.
 */
function sourcesOf(component, lane, kit) {
  const { charts, components, deployments } = kit;
  const { name, area, chart, kind = '' } = component;
  const deployment = deployments?.get(
    lane.name === 'preview' ? previewOf(codeOf(component, kit).pull) : lane.name,
  );
  if (deployment !== undefined)
    return deployment.map((source) => filled(source, { ...lane.pull, ...component }));
  return components.sources.map((source) => ({
    suffix: source.suffix,
    chart: join(charts, source.chart === 'component' ? chart : source.chart),
    release: `${name}${source.suffix}`,
    values: valuesOf(source.values, { kind, area, lane: lane.name, cluster: lane.cluster, name }),
    overrides: {},
  }));
}

/** A source of an ApplicationSet, for one component. */
function filled(source, component) {
  const { path, releaseName: release, valueFiles, valuesObject } = fillSource(source, component);
  const values = valueFiles.map((file) => file.slice(1));
  return {
    suffix: release.slice(component.name.length),
    chart: path,
    release,
    values,
    overrides: valuesObject,
  };
}

/** The operators of a lane. */
function operatorsOf({ name: lane, cluster }, { charts, components, deployments }) {
  const name = 'operators';
  const [deployed] = deployments?.get(`${name}.${lane}`) ?? [];
  if (deployed !== undefined) return filled(deployed, { name });
  const values = valuesOf(components.operators, { lane, cluster });
  return { release: name, chart: join(charts, name), values, overrides: {} };
}

function valuesOf(patterns, places) {
  return patterns.map((pattern) =>
    join(VALUES, `${pattern.replace(/\{([a-z]+)\}/g, (_, place) => places[place])}.yaml`),
  );
}

/** The manifests of a release. `overrides` are values by key, after all of its files. */
async function renderSource(
  { release, chart, values, overrides: own },
  { namespace },
  overrides,
  root = '.',
) {
  const args = [
    ...['template', release, join(root, chart), '--namespace', namespace],
    ...values.flatMap((file) => (existsSync(join(root, file)) ? ['--values', join(root, file)] : [])),
    ...['--values', '-'],
    ...Object.entries(overrides).flatMap(([key, value]) => ['--set-json', `${key}=${JSON.stringify(value)}`]),
  ];
  return helm(args, JSON.stringify(own));
}

/** The policy of images in a lane, which no value changes. */
function policyOf({ digest }, { components: { allowed } }) {
  return { imagePolicy: { requireDigest: digest, allowed } };
}

/** The manifests of one part of a component in a lane; by default of the component itself. */
export function renderComponent(component, lane, kit, overrides = {}) {
  const { of: whole, name } = component;
  const suffix = whole === undefined ? '' : name.slice(whole.length);
  const sources = sourcesOf({ chart: '', ...component, name: whole ?? name }, lane, kit);
  const source = sources.find((each) => each.suffix === suffix);
  return renderSource(source, lane, { ...policyOf(lane, kit), ...overrides });
}

/** The YAML files in a folder, at any depth. */
function yamlIn(folder, root = '.') {
  if (!existsSync(join(root, folder))) return [];
  const paths = pathsIn(join(root, folder)).map((path) => relative(root, path));
  return paths.filter((path) => /\.ya?ml$/.test(path));
}

const componentFiles = (root) => yamlIn(COMPONENTS, root).filter((path) => path.endsWith('/component.yaml'));

/** Whether a render has objects. */
export const isEmpty = (manifests) => !/^\s*[^#\s-]/m.test(manifests);

/** Runs tasks, four at a time; one that fails stops no other. */
async function all(tasks) {
  const left = [...tasks];
  const worker = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) await next().catch(report);
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
}

/** What is true of both: a change may make the policy of a lane stricter, and what it brings has to obey the old one as well. */
function stricter(kit, before) {
  const laneBefore = (name) => before.lanes.find((lane) => lane.name === name);
  const both = (key, same) =>
    kit.components[key].filter((one) => before.components[key].some((other) => same(one, other)));
  return {
    ...kit,
    lanes: kit.lanes.map((lane) => ({
      ...lane,
      digest: lane.digest || (laneBefore(lane.name)?.digest ?? false),
      overlays: [...(lane.overlays ?? []), ...(laneBefore(lane.name)?.overlays ?? [])],
      required: lane.overlays ?? [],
    })),
    components: {
      ...kit.components,
      allowed: both('allowed', (a, b) => a === b),
      charts: both('charts', (a, b) => a === b),
      objects: both('objects', (a, b) => a.group === b.group && a.kind === b.kind),
    },
  };
}

/** Refuses names that two Applications would have: Argo CD stops at them, in all lanes. */
function refuseTwins(components, { lanes }) {
  const owners = new Map();
  const names = new Map();
  for (const { file, name } of components) {
    const twin = names.get(name);
    names.set(name, twin ?? file);
    if (twin !== undefined) {
      report(new Refused(`${file}: ${twin} has the same \`name\`: ${name}`));
      continue;
    }
    for (const lane of lanes) {
      const application = `${lane.name}-${name}`;
      const owner = owners.get(application);
      owners.set(application, owner ?? `${file} in ${lane.name}`);
      if (owner !== undefined)
        report(
          new Refused(
            `${file} in ${lane.name}: ${owner} has an Application of the same name: ${application}`,
          ),
        );
    }
  }
}

/** Refuses what looks as if it were in effect: files beside those of components that no lane and no preview reads. */
function refuseUnread(components, parts, kit) {
  const { lanes, previews } = kit;
  const places = [
    ...lanes,
    ...(previews === undefined ? [] : [{ name: 'preview', cluster: previews.cluster }]),
  ];
  const isThere = (release) =>
    components.some(({ name }) => name === release) || parts.some(({ name }) => name === release);
  const sources = components.flatMap((component) =>
    places
      .filter(({ name }) => name !== 'preview' || codeOf(component, kit).pull !== undefined)
      .flatMap((lane) => sourcesOf(component, lane, kit)),
  );
  const read = new Set(sources.flatMap(({ release, values }) => (isThere(release) ? values : [])));
  const areas = new Set(components.map(({ area }) => area));
  for (const file of yamlIn(VALUES)) {
    const area = dirname(file).replace(/^sources\/values\/(_shared|env\/[^/]+)\//, '');
    if (areas.has(area) && !read.has(file))
      report(new Refused(`${file}: no component of area ${area} reads it in any lane`));
  }
  for (const file of yamlIn(`${VALUES}/env`)) {
    const [, name] = /^sources\/values\/env\/([^/]+)\/globals\.yaml$/.exec(file) ?? [];
    if (name !== undefined && !places.some((place) => place.name === name))
      report(
        new Refused(
          `${file}: kit.yaml has no lane ${name}; while this is here, Argo CD would take components of such a lane for disabled`,
        ),
      );
  }
  for (const file of yamlIn(COMPONENTS)) {
    if (!file.endsWith('/component.yaml'))
      report(new Refused(`${file}: only component.yaml is read here; values are in ${VALUES}`));
  }
}

/** Refuses values that a lane alone has, or no value at all. */
export async function refuseValues(file) {
  const values = await readYaml(file);
  if (values.imagePolicy !== undefined)
    throw new Refused(`${file}: \`imagePolicy\` is that of the lane, which is in kit.yaml; take it out`);
  if (!file.startsWith(`${VALUES}/_shared/`)) return;
  if (values.enabled !== undefined && values.enabled !== false)
    throw new Refused(`${file}: \`enabled\` is for values of a lane: here it would be for all of them`);
  const image = imageIn(values);
  if (image !== undefined)
    throw new Refused(
      `${file}: an image is for values of a lane, so that each lane has the one it was given: ${image}`,
    );
}

/** The first image below a key `image`, at any depth; undefined where none is set. */
function imageIn(value, isImage = false) {
  if (typeof value === 'string')
    return isImage && value !== '' && value !== '{{ include "image" . }}' ? value : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, item] of Object.entries(value)) {
    const found = imageIn(item, key === 'image' || (isImage && key !== 'pullSecrets'));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Refuses objects of kinds that the project of a lane does not have. */
function refuseKinds(manifests, { components }) {
  for (const text of manifests.split(/^---.*$/m)) {
    const kind = /^kind: *"?(\w+)/m.exec(text)?.[1];
    if (kind === undefined) {
      if (isEmpty(text)) continue;
      throw new Refused(
        `an object has no \`kind\` at the start of a line, so it cannot be judged: ${text.trim()}`,
      );
    }
    const [group] = /^apiVersion: *"?([^\s"]+)\//m.exec(text)?.slice(1) ?? [''];
    if (components.objects.some((object) => object.group === group && object.kind === kind)) continue;
    throw new Refused(
      `${group}/${kind} is not for components: the project of the lane does not have it (\`objects\` of kit.yaml)`,
    );
  }
}

/**
 * The objects that a component has in a lane before the change and not after it. Read only if files of its own differ: what a
 * chart of the platform leaves out is not of a component.
 */
async function lostObjects(component, lane, manifests, before, root) {
  const then = before.lanes.find(({ name }) => name === lane.name);
  if (then === undefined || !existsSync(join(root, component.file))) return [];
  const textOf = (file) => (existsSync(file) ? readFileSync(file, 'utf8') : '');
  const isSame = (file) => textOf(file) === textOf(join(root, file));
  // What was wrong there already had nothing.
  const texts = await readComponent(component.file, before, root)
    .then((old) => {
      const sources = sourcesOf(old, then, before);
      if ([component.file, ...sources.flatMap(({ values }) => values)].every(isSame)) return [];
      return Promise.all(sources.map((source) => renderSource(source, then, policyOf(then, before), root)));
    })
    .catch(() => []);
  const left = objectsIn(manifests);
  return objectsIn(texts.join('\n---\n')).filter((object) => !left.includes(object));
}

/**
 * Refuses a component that is gone and was enabled: Argo CD would leave what runs of it, and nobody would own it. The names of
 * the Applications that end.
 */
async function refuseRemoved(components, before, root) {
  const names = new Set(components.map(({ name }) => name));
  const ended = [];
  await all(
    componentFiles(root).map((file) => async () => {
      const component = await readComponent(file, before, root);
      if (component.of !== undefined || names.has(component.name)) return;
      for (const lane of before.lanes) {
        for (const source of sourcesOf(component, lane, before)) {
          if (isEmpty(await renderSource(source, lane, policyOf(lane, before), root))) continue;
          throw new Refused(
            `${file} is removed, and ${source.release} is enabled in ${lane.name}: disable it there first, by a pull request of its own`,
          );
        }
      }
      ended.push(...before.lanes.map((lane) => `${lane.name}-${component.name}`));
    }),
  );
  return ended.sort();
}

/** The overlays of a lane; none, and an error, if its settings are wrong. */
function laneOverlays(lane) {
  try {
    return overlaysOf(lane);
  } catch (error) {
    report(error);
    return [];
  }
}

/** In place of a pull request. */
const PULL = { number: '1', head_sha: '0'.repeat(40) };

/** Everything in every lane, and in a preview. */
async function renderAll(folder) {
  const root = join(OWN, '../..');
  const isOwn = realpathSync(root) === realpathSync('.');
  const before = isOwn ? undefined : readKit(root);
  const own = readKit();
  const kit = before === undefined ? own : stricter(own, before);
  kit.deployments = await readDeployments(own);
  // What is wrong there already is not of this change.
  if (before !== undefined) before.deployments = await readDeployments(before, root).catch(() => undefined);
  const files = componentFiles('.');
  const found = [];
  await all(files.map((file) => async () => found.push({ file, ...(await readComponent(file, kit)) })));
  found.sort((a, b) => (a.file < b.file ? -1 : 1));
  const components = found.filter(({ of: whole }) => whole === undefined);
  const parts = found.filter(({ of: whole }) => whole !== undefined);
  for (const { file, of: whole, area } of parts) {
    if (!components.some(({ name, area: other }) => name === whole && area === other))
      report(new Refused(`${file}: no component of area ${area} is called ${whole}`));
  }
  refuseTwins(components, kit);
  await refuseAdmission(own).catch(report);
  refuseLinks(root, kit);
  // What belongs to a component that cannot be read is not known.
  if (found.length === files.length) refuseUnread(components, parts, kit);
  const areas = new Set(components.map(({ area }) => area));
  const owned = yamlIn(VALUES).filter((file) =>
    areas.has(dirname(file).replace(/^sources\/values\/(_shared|env\/[^/]+)\//, '')),
  );
  await all(owned.map((file) => () => refuseValues(file)));
  let rendered = 0;
  const lost = new Map();
  const save = (place, name, text) => {
    const target = join(folder, place, `${name}.yaml`);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
    rendered += 1;
  };
  const named = (where, work) => async () => {
    try {
      await work();
    } catch (error) {
      throw error instanceof Refused ? new Refused(`${where}: ${error.message}`) : error;
    }
  };
  const preview = {
    name: 'preview',
    cluster: kit.previews?.cluster,
    namespace: 'preview',
    digest: false,
    pull: PULL,
  };
  const tasks = [
    ...components.flatMap((component) =>
      kit.lanes.map((lane) =>
        named(`${component.file} in ${lane.name}`, async () => {
          const sources = sourcesOf(component, lane, kit);
          const texts = await Promise.all(
            sources.map((source) => renderSource(source, lane, policyOf(lane, kit))),
          );
          refuseKinds(texts.join('\n---\n'), kit);
          const main = sources.findIndex(({ suffix }) => suffix === '');
          const idle = sources.find((_, i) => isEmpty(texts[main]) && !isEmpty(texts[i]));
          if (idle !== undefined)
            throw new Refused(
              `${idle.release} is enabled and ${component.name} is not: enable both, or none`,
            );
          save(lane.name, component.name, texts.join('\n---\n'));
          if (before === undefined) return;
          const objects = await lostObjects(component, lane, texts.join('\n---\n'), before, root);
          if (objects.length > 0) lost.set(lane.name, [...(lost.get(lane.name) ?? []), ...objects].sort());
        }),
      ),
    ),
    ...components
      .filter((component) => component.image !== undefined && codeOf(component, kit).pull !== undefined)
      .map((component) =>
        named(`${component.file} in a preview`, async () => {
          const source = sourcesOf(component, preview, kit).find(({ suffix }) => suffix === '');
          const { registry } = kit.components.pulls[codeOf(component, kit).pull];
          const rendering = renderSource(source, preview, {
            enabled: true,
            'image.ref': `${registry}/${component.image}:${PULL.head_sha}`,
            imagePolicy: { requireDigest: false, allowed: kit.components.previewAllowed },
          });
          const text = await rendering.catch((error) => {
            // Most kinds need settings; a component without any for previews has no preview, and that may be wanted.
            if (!(error instanceof Refused) || existsSync(source.values.at(-1))) throw error;
            console.log(
              `${component.name} has no preview until ${source.values.at(-1)} is there: ${error.message}`,
            );
            return '';
          });
          save('preview', component.name, text);
        }),
      ),
    ...kit.lanes.flatMap((lane) =>
      laneOverlays(lane).map((overlay) =>
        named(`${overlay} in ${lane.name}`, async () => {
          const text = await buildOverlay(overlay);
          await judgeOverlay(text, lane, policyOf(lane, kit), join(root, (before ?? own).charts));
          save(lane.name, `overlay.${overlay.replaceAll('.', '..').replaceAll('/', '.')}`, text);
        }),
      ),
    ),
    ...kit.lanes.map((lane) =>
      named(`the operators in ${lane.name}`, async () => {
        save('_operators', lane.name, await renderSource(operatorsOf(lane, kit), lane, policyOf(lane, kit)));
      }),
    ),
  ];
  mkdirSync(folder, { recursive: true });
  await all(tasks);
  for (const left of await leftOverlays(kit.lanes).catch(() => []))
    console.log(`not judged: ${left} has a kustomization that \`overlays\` of no lane leads to`);
  if (before !== undefined) sayRemoved(lost, await refuseRemoved(components, before, root));
  console.log(
    `${rendered} of ${tasks.length} renders succeeded: ${components.length} components and the operators, ${kit.lanes.length} lanes and previews`,
  );
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await renderAll(process.argv[2] ?? 'rendered').catch(report);
}
