// Writes the wiring of a primitive: `node scaffold.mjs check|write|render|propose`, a step of the workflow each.
// The request is in the environment, as JSON in INPUTS; what it may be is in inputs.json and kit.yaml.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  againIfRaced,
  api,
  askedFor,
  commitOf,
  createPull,
  findPull,
  git,
  gitWith,
  push,
  readInputs,
  summary,
} from './github.mjs';
import {
  isEmpty,
  Refused,
  readComponent,
  readKit,
  readYaml,
  refuseValues,
  renderComponent,
  report,
} from './render.mjs';

const FOLDER = '.github/primitive';

const contract = JSON.parse(readFileSync(`${FOLDER}/inputs.json`, 'utf8'));

/** The request, checked: values as texts, with the names that follow from them. */
function readRequest() {
  const values = readInputs(contract);
  const kit = readKit();
  const lanes = kit.lanes.map(({ name }) => name);
  if (!kit.kinds.includes(values.kind))
    throw new Refused(`kind ${values.kind} is not among those of kit.yaml: ${kit.kinds.join(', ')}`);
  if (values.env !== '' && !lanes.includes(values.env))
    throw new Refused(`env ${values.env} is not among the lanes of kit.yaml: ${lanes.join(', ')}`);
  const longest = fill(contract.release.name, values);
  if (longest.length > contract.release.maxLength)
    throw new Refused(
      `${longest} is longer than the ${contract.release.maxLength} characters of a release name`,
    );
  const workload = workloadOf(values);
  return {
    ...values,
    ...probeOf(workload),
    workload_values: workloadValues(workload),
    source_value: sourceValue(values, kit),
    kit,
    release: `${values.kind}-${values.name}-${values.version}`,
    branch: fill(contract.branch, values),
    allLanes: kit.lanes,
    lanes: kit.lanes.filter(({ name }) => values.env === '' || name === values.env),
  };
}

/** The line of component.yaml that names the code repository; empty where kit.yaml has one. */
function sourceValue({ source }, { components: { code } }) {
  const known = code.map(({ repository }) => repository);
  const isAsked = (repository) => repository.toLowerCase() === source.toLowerCase();
  const repository = known.find(isAsked);
  if (source !== '' && repository === undefined)
    throw new Refused(`source ${source} is not among the code repositories of kit.yaml: ${known.join(', ')}`);
  if (known.length < 2) return '';
  if (repository === undefined)
    throw new Refused(`source is missing: kit.yaml has the code repositories ${known.join(', ')}`);
  return `source: ${repository}\n`;
}

/** Form of the names of a part of a workload. */
const WORKLOAD = { processes: /^[a-z][a-z0-9-]{0,19}$/, settings: /^[A-Z][A-Z0-9_]{0,99}$/ };

/** Processes and settings that the primitive has of its own, checked as far as the chart does not; `{}` if it has none. */
function workloadOf({ workload }) {
  if (workload === '') return {};
  const refuse = (why) => {
    throw new Refused(`workload ${why}`);
  };
  let parsed;
  try {
    parsed = JSON.parse(workload);
  } catch {
    refuse('is not JSON');
  }
  for (const [part, entries] of Object.entries(parsed)) {
    if (!Object.hasOwn(WORKLOAD, part))
      refuse(`has ${JSON.stringify(part)}; it takes processes and settings`);
    if (!isObject(entries)) refuse(`has ${part} that are no object`);
    for (const [name, entry] of Object.entries(entries)) {
      if (!WORKLOAD[part].test(name) || !isObject(entry))
        refuse(`has ${part} with the invalid entry ${JSON.stringify(name)}`);
    }
  }
  return parsed;
}

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The same as values of its chart: a line for each process and setting, in JSON, which YAML contains. */
function workloadValues(workload) {
  const parts = Object.entries(workload).filter(([, entries]) => Object.keys(entries).length > 0);
  if (parts.length === 0) return '';
  const line = ([name, entry]) => `  ${JSON.stringify(name)}: ${ascii(JSON.stringify(entry))}`;
  const texts = parts.map(([part, entries]) => `${part}:\n${Object.entries(entries).map(line).join('\n')}\n`);
  return `# Of its own, as primitive.yaml had them: they come before those of the kind.\n${texts.join('')}`;
}

/** A text of JSON without characters that YAML has another meaning for, such as line ends of Unicode. */
function ascii(text) {
  return text.replace(/[^\x20-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Where a smoke test asks. */
function probeOf({ processes: { serve = {} } = {} }) {
  const { ports: { http: port = 8080 } = {}, ready = '/readyz' } = serve;
  if (Number.isInteger(port) && /^\/[A-Za-z0-9._~/-]*$/.test(ready)) return { port: `${port}`, ready };
  throw new Refused(`workload has a process serve with the port ${port} and the path ${ready}`);
}

/** `{kind}` and the like by their values. Throws for a name that is none. */
function fill(template, values) {
  return template.replace(/\{([a-z_]+)\}/g, (tag, key) => {
    if (typeof values[key] === 'string') return values[key];
    throw new Refused(`a template has the unknown placeholder ${tag}`);
  });
}

/** What the request comes to: path -> text. */
function filesOf(request) {
  return contract.files
    .filter(({ when }) => when === undefined || !['', 'false'].includes(request[when]))
    .map(({ path, template }) => [
      fill(path, request),
      fill(readFileSync(`${FOLDER}/templates/${template}`, 'utf8'), request),
    ]);
}

/** What all requests for this primitive come to: path -> text. No other file belongs in its pull request. */
function ownFilesOf(request) {
  const others = request.allLanes.flatMap(({ name }) =>
    filesOf({ ...request, env: name, with_smoke: 'true' }),
  );
  return new Map([...others, ...filesOf(request)]);
}

/** What is to be written: the files that are missing, such as those of another lane; with force all. */
function check(request) {
  const files = filesOf(request);
  const wanted = request.force === 'true' ? files : files.filter(([path]) => !existsSync(path));
  if (wanted.length === 0)
    throw new Refused(
      `The wiring of ${request.release} exists; force overwrites it:\n${files.map(([path]) => path).join('\n')}`,
    );
  console.log(
    `${request.release}: ${wanted.length} of ${files.length} files to write, branch ${request.branch}`,
  );
  return wanted;
}

function write(request) {
  for (const [path, text] of check(request)) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    console.log(path);
  }
}

/** Files of the request that are not as they were checked out. */
function changesOf(request) {
  const paths = filesOf(request).map(([path]) => path);
  // Each line begins with two letters of state, and a space.
  const lines = git('status', '--porcelain', '--untracked-files=all', '--', ...paths).split('\n');
  return paths.filter((path) => lines.some((line) => line.endsWith(` ${path}`)));
}

/** In place of an image that was published. */
const PROBE = `registry.invalid/probe:${'0'.repeat(40)}@sha256:${'0'.repeat(64)}`;

/** In place of what a lane has to set for a kind, the values that hold it. */
async function probesOf({ kind, area, name }) {
  const env = {};
  const secrets = {};
  const files = [`_kinds/${kind}`, `_shared/${area}/${name}`].map((path) => `sources/values/${path}.yaml`);
  const values = await Promise.all(files.filter((path) => existsSync(path)).map((path) => readYaml(path)));
  const settings = Object.assign({}, ...values.map((each) => each.settings ?? {}));
  for (const [variable, { required, secret, pattern }] of Object.entries(settings)) {
    if (!required) continue;
    // Of a Secret no value is compared with the pattern.
    if (secret || pattern) secrets[variable] = { name: 'probe', key: 'probe' };
    else env[variable] = 'probe';
  }
  return Object.keys({ ...env, ...secrets }).length === 0 ? {} : { env, secrets };
}

/** What was written, rendered as it is: nothing may come out; enabled, it has to render with its image. */
async function render(request) {
  const changes = changesOf(request);
  const components = filesOf(request).flatMap(([path]) => (path.endsWith('/component.yaml') ? [path] : []));
  for (const file of changes) {
    if (file.startsWith('sources/values/')) await refuseValues(file);
  }
  for (const file of components) {
    const component = await readComponent(file, request.kit);
    const isChanged = (path) => path === file || path.endsWith(`/${component.name}.yaml`);
    if (!changes.some(isChanged)) continue;
    for (const lane of request.lanes) {
      const inert = await renderComponent(component, lane, request.kit);
      if (!isEmpty(inert))
        throw new Refused(
          `${component.name} renders objects in ${lane.name} although it is not enabled:\n${inert}`,
        );
      const enabled = await renderComponent(component, lane, request.kit, {
        enabled: true,
        'image.ref': PROBE,
        // It is of no repository.
        imagePolicy: { requireDigest: lane.digest, allowed: [] },
        ...(await probesOf(component)),
      });
      if (!enabled.includes(PROBE))
        throw new Refused(
          `${component.name}, enabled in ${lane.name}, does not render its image.ref:\n${enabled}`,
        );
      console.log(`${component.name} renders in ${lane.name}`);
    }
  }
}

/**
 * Makes the branch of the request from the branch that is deployed and files of this generator, as one commit, and makes
 * sure that one pull request of this workflow is open for it. Nothing on a branch is taken over that was not written here.
 */
async function propose(request) {
  const paths = changesOf(request);
  if (paths.length === 0) {
    summary(`The wiring of ${request.release} is on ${process.env.BASE} already, byte for byte.`);
    return;
  }
  // What came meanwhile is nothing that `force` was said of.
  await againIfRaced((race) => proposeOnce(race === 1 ? request : { ...request, force: 'false' }, paths));
}

async function proposeOnce(request, paths) {
  const { branch, force } = request;
  const own = ownFilesOf(request);
  const open = await findPull(branch);
  const there = await readBranch(branch, own);
  if (there.foreign.length > 0 && force !== 'true')
    throw new Refused(
      `Branch ${branch} has what this workflow did not write there. Read it, then merge it, take it out or delete the branch; force recreates the branch from ${process.env.BASE}, without:\n${there.foreign.join('\n')}`,
    );
  // What is in an open proposal stays in it.
  const wanted = [...new Set([...paths, ...(open ? there.proposed : [])])].sort();
  const title = titleOf(request, wanted);
  const isThere = there.title === title && there.foreign.length === 0 && `${there.changed}` === `${wanted}`;
  const commit = isThere
    ? there.commit
    : await push(branch, new Map(wanted.map((path) => [path, own.get(path)])), title, there.commit);
  const text = { title, body: bodyOf(request, wanted, open?.body ?? '') };
  const pull = open ?? (await createPull(branch, text));
  if (open !== undefined && (open.title !== text.title || open.body !== text.body))
    await api('PATCH', `pulls/${open.number}`, text);
  // A pull request shows its branch as it is by now.
  if (commitOf(branch) !== commit)
    throw new Refused(
      `Branch ${branch} was pushed to by somebody else while this ran. Read ${pull.html_url} before you merge it, or start the workflow again.`,
    );
  summary(`Pull request: ${pull.html_url}\n\n${wanted.map((path) => `- ${path}`).join('\n')}`);
}

/** Of the commit and the pull request, with every lane that it is for. */
function titleOf({ release, allLanes }, paths) {
  const lanes = allLanes
    .map(({ name }) => name)
    .filter((name) => paths.some((path) => path.includes(`/env/${name}/`)));
  return `Scaffold the wiring of ${release}${lanes.length > 0 ? ` for ${lanes.join(', ')}` : ''}`;
}

/** Of the pull request: what is in it, and who asked for it in which runs, those before this one, too. */
function bodyOf({ request_id: id }, paths, before) {
  const list = paths.map((path) => `- \`${path}\``).join('\n');
  return `Nothing is enabled by this: a lane enables the component and sets \`image.ref\`.\n\n${list}\n\n${askedFor(id, before)}\n`;
}

/**
 * A branch since it left the one that is deployed: `changed` files, and which of them are `foreign`: not as this generator
 * writes them, whoever has committed them, because names of authors are free to choose. `proposed`: files of this
 * generator that the branch that is deployed has not changed since. `title`: of its commit, where it has one.
 */
async function readBranch(branch, own) {
  const commit = commitOf(branch);
  if (commit === '') return { commit, changed: [], foreign: [], proposed: [] };
  const compared = await api('GET', `compare/${git('rev-parse', 'HEAD')}...${commit}`).catch((error) => {
    if (error.status === 404) return undefined;
    throw error;
  });
  // GitHub compares no histories that have nothing in common.
  if (compared === undefined) return { commit, changed: [], foreign: ['a history of its own'], proposed: [] };
  const { files, commits, merge_base_commit: parting } = compared;
  git('fetch', '--quiet', '--depth=1', 'origin', commit, parting.sha);
  const paths = files.flatMap(({ filename, previous_filename: former }) => [filename, former ?? filename]);
  const changed = [...new Set(paths)].sort().map((path) => {
    const [there, here, before] = [commit, 'HEAD', parting.sha].map((tree) => entryOf(tree, path));
    const isOwn = own.has(path) && (there === here || there === ownEntry(path, own.get(path)));
    return {
      path,
      isOwn,
      isProposed: own.has(path) && there !== undefined && there !== here && here === before,
    };
  });
  const pathsOf = (some) => some.map(({ path }) => path);
  return {
    commit,
    changed: pathsOf(changed),
    foreign: pathsOf(changed.filter(({ isOwn }) => !isOwn)),
    proposed: pathsOf(changed.filter(({ isProposed }) => isProposed)),
    title: commits.length === 1 ? commits[0].commit.message : undefined,
  };
}

/** Mode and object of a file in a commit; undefined where it is missing. */
function entryOf(commit, path) {
  const [mode, , object] = git('ls-tree', commit, '--', path).split(/\s/);
  return object && `${mode} ${object}`;
}

/** The same of a text, as it would be committed. */
function ownEntry(path, text) {
  return `100644 ${gitWith(text, 'hash-object', '--stdin', '--path', path)}`;
}

const steps = { check, write, render, propose };
try {
  const step = steps[process.argv[2]];
  if (step === undefined) throw new Refused(`Use one of: ${Object.keys(steps).join(', ')}`);
  await step(readRequest());
} catch (error) {
  report(error);
}
