// The weekly update of what was scaffolded, as `init --ci` has it run: `node update.mjs prepare|propose FOLDER`.
//
// `prepare` updates one primitive after the other, verifies it and writes what has changed into FOLDER. It runs code of the
// repository, so it has no right to write. `propose` has, so it runs nothing and believes little: files of the primitive alone
// go into its pull request.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const {
  PRIMITIVE,
  TOKEN = '',
  BASE = '',
  GITHUB_API_URL,
  GITHUB_REPOSITORY = '',
  GITHUB_SERVER_URL = 'https://github.com',
  GITHUB_RUN_ID,
  GITHUB_STEP_SUMMARY,
} = process.env;

/** Bytes of a text of a pull request; GitHub takes 65,536 characters. */
const LONGEST = 50_000;

/** A failure that is said in one line, without a stack. */
class Refused extends Error {}

const ID = /^[a-z][a-z0-9]{1,30}\/[a-z0-9][a-z0-9-]{0,62}$/;

// --- prepare

function prepare(folder) {
  mkdirSync(folder, { recursive: true });
  // Primitives of a broken kind or `primitive.yaml` are listed too, and fail one by one.
  const { document: list, code } = primitive('list');
  if (list?.primitives === undefined)
    throw new Refused(`primitive list failed with exit code ${code}: ${list?.message}`);
  for (const { kind, name, path, template } of list.primitives) {
    if (template === null) continue;
    const result = updateOne(`${kind}/${name}`, kind, name, path);
    console.log(`${kind}/${name}: ${result.refused ?? `${result.files.length} files changed`}`);
    writeFileSync(join(folder, `${kind}-${name}.json`), JSON.stringify(result));
  }
}

function updateOne(id, kind, name, path) {
  const { document, code } = primitive('scaffold', '--kind', kind, '--name', name, '--update');
  if (document?.files === undefined)
    return {
      id,
      path,
      refused: `${document?.code}: ${document?.message} ${document?.why ?? ''}`.trim(),
      files: [],
    };
  const conflicts = document.files.flatMap((file) =>
    file.conflicts === undefined ? [] : [`${file.path} (lines ${file.conflicts.join(', ')})`],
  );
  const open = document.files.flatMap((file) => (file.reason === 'base-missing' ? [file.path] : []));
  if (code !== 0 && conflicts.length === 0 && open.length === 0)
    return { id, path, refused: `scaffold --update failed with exit code ${code}`, files: [] };
  const needsGenerators = document.files.some(({ reason }) => reason === 'generator-input-edited');
  // Always: a copy of the proto file of its source is as that is now.
  const notes = generate(id, needsGenerators);
  const files = changesIn(path);
  const verified = files.length === 0 || conflicts.length > 0 ? undefined : verify(id);
  // The next primitive begins with what is committed.
  run(['reset', '--quiet', '--hard', 'HEAD']);
  run(['clean', '--quiet', '--force', '-d']);
  return { id, path, files, conflicts, open, notes, verified };
}

/** Runs the generators; what a pull request has to say of that. Whether they fail matters only if they are needed. */
function generate(id, isNeeded) {
  const { code, document } = primitive('generate', id);
  if (code === 0 && !isNeeded && document.generated.some(({ changes }) => changes.length > 0))
    return [
      `\`primitive generate ${id}\` has brought what its source, or another input of its generators, is now.`,
    ];
  if (code === 0 || !isNeeded) return [];
  return [`Generators did not run, so run \`primitive generate ${id}\`: ${document?.message ?? code}`];
}

function verify(id) {
  const { document, code } = primitive('verify', id, '--install');
  if (document?.verdict === undefined)
    return { verdict: `not verified: ${document?.message ?? code}`, findings: [] };
  const { verdict, findings, unchecked } = document;
  const shown = findings.filter(({ level }) => level !== 'info').slice(0, 20);
  return {
    verdict: unchecked.length > 0 ? `${verdict}, ${unchecked.length} not checked` : verdict,
    findings: shown.map(
      ({ rule, path, line, message }) => `${rule} ${path}${line ? `:${line}` : ''}: ${message}`,
    ),
  };
}

/** The changed files of a primitive; no content for one that was deleted. */
function changesIn(path) {
  const status = run(['status', '--porcelain', '-z', '--no-renames', '--untracked-files=all', '--', path]);
  return status
    .split('\0')
    .filter(Boolean)
    .map((entry) => entry.slice(3))
    .sort()
    .map((file) => {
      const stats = lstatSync(file, { throwIfNoEntry: false });
      if (stats === undefined) return { path: file };
      return {
        path: file,
        mode: stats.mode & 0o100 ? '100755' : '100644',
        content: readFileSync(file, 'utf8'),
      };
    });
}

function primitive(...args) {
  const { status, stdout } = spawnSync(process.execPath, [PRIMITIVE, ...args, '--json'], {
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    return { code: status, document: JSON.parse(stdout) };
  } catch {
    return { code: status, document: undefined };
  }
}

// --- propose

async function propose(folder) {
  const lines = [];
  let failed = false;
  for (const file of readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()) {
    const update = JSON.parse(readFileSync(join(folder, file), 'utf8'));
    try {
      lines.push(`- ${update.id}: ${await proposeOne(checked(update))}`);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      failed = true;
      lines.push(`- ${update.id}: **failed**: ${error.message}`);
    }
  }
  const text = lines.join('\n') || 'Nothing was scaffolded here.';
  console.log(text);
  if (GITHUB_STEP_SUMMARY) appendFileSync(GITHUB_STEP_SUMMARY, `## Updates from templates\n\n${text}\n`);
  if (failed) process.exitCode = 1;
}

/** The job before ran code of the repository: what it hands over is checked for where it may go. */
function checked(update) {
  if (typeof update.id !== 'string' || !ID.test(update.id))
    throw new Refused(`${JSON.stringify(update.id)} is no primitive`);
  if (update.refused !== undefined) throw new Refused(String(update.refused).slice(0, 2000));
  const folder = `primitives/${update.id}`;
  if (typeof update.path !== 'string' || (update.path !== folder && !update.path.endsWith(`/${folder}`)))
    throw new Refused(`${JSON.stringify(update.path)} is not the folder of ${update.id}`);
  for (const { path, mode, content } of update.files) {
    const parts = String(path).split('/');
    const isBelow = String(path).startsWith(`${update.path}/`);
    if (!isBelow || parts.some((part) => ['', '.', '..', '.git', '.github'].includes(part.toLowerCase())))
      throw new Refused(`${JSON.stringify(path)} is not in ${update.path}`);
    if (content !== undefined && (typeof content !== 'string' || !['100644', '100755'].includes(mode)))
      throw new Refused(`${path} is no plain file`);
  }
  return update;
}

async function proposeOne(update) {
  const { id, files } = update;
  const branch = `primitive-update/${id.replace('/', '-')}`;
  const pulls = await pullsOf(branch);
  const open = pulls.find(({ state }) => state === 'open');
  if (files.length === 0) {
    return open === undefined
      ? 'nothing to update'
      : `nothing to update any more; to be closed: ${open.html_url}`;
  }
  const there = commitOf(branch);
  if (there !== '') git(['fetch', '--quiet', '--depth=2', 'origin', there]);
  if (there !== '' && !isOurs(there)) {
    const where = open?.html_url ?? `branch ${branch}`;
    return `left as it is, because somebody else has pushed to it: ${where}. Merge it, or delete the branch.`;
  }
  const seal = sealOf('HEAD', treeOf(files));
  const title = titleOf(update);
  const body = bodyOf(update, seal);
  if (
    open === undefined &&
    pulls.some((pull) => pull.merged_at === null && pull.body?.includes(marker(seal)))
  )
    return 'the same update was closed before, so it is not proposed again';
  const isThere = there !== '' && sealOf(`${there}^`, there) === seal;
  const commit = isThere ? there : await push(branch, files, `${title}\n\n${TRAILER}${seal}\n`, there);
  const pull = open ?? (await api('POST', 'pulls', { title, head: branch, base: BASE, body }));
  if (open !== undefined && (open.title !== title || open.body !== body))
    await api('PATCH', `pulls/${open.number}`, { title, body });
  if (commitOf(branch) !== commit)
    throw new Refused(
      `branch ${branch} was pushed to by somebody else while this ran: read ${pull.html_url} before you merge it`,
    );
  const how = open === undefined ? 'proposed' : isThere ? 'as proposed' : 'proposed again';
  return `${how}${isWhole(update) ? '' : ', to be resolved'}: ${pull.html_url}`;
}

/** Whether nothing is left for a person to merge. */
function isWhole({ conflicts, open }) {
  return conflicts.length === 0 && open.length === 0;
}

const TRAILER = 'Primitive-Update: ';
const marker = (seal) => `<!-- primitive-update ${seal} -->`;

/** What a tree changes, whatever else the commits have: the same changes have the same seal. */
function sealOf(parent, tree) {
  const changes = git(['diff-tree', '-r', '--no-renames', parent, tree])
    .split('\n')
    .filter(Boolean)
    .map((line) => line.replace(/^:\d+ (\d+) \w+ (\w+) \w\t/, '$1 $2 '));
  return createHash('sha256').update(changes.join('\n')).digest('hex');
}

/** A branch is of this workflow if it is one commit that has what its message says; authors' names are free to choose. */
function isOurs(commit) {
  const message = git(['log', '-1', '--format=%B', commit]);
  const said = message
    .split('\n')
    .find((line) => line.startsWith(TRAILER))
    ?.slice(TRAILER.length);
  const parents = git(['rev-list', '--parents', '-1', commit]).split(' ').slice(1);
  return said !== undefined && parents.length === 1 && sealOf(parents[0], commit) === said;
}

function titleOf(update) {
  return `${isWhole(update) ? 'Update' : 'Resolve and update'} ${update.id} from its template`;
}

function bodyOf({ id, files, conflicts, open, notes, verified }, seal) {
  const list = (items) => items.map((item) => `- ${code(item)}`).join('\n');
  const parts = [
    `\`primitive scaffold --kind ${id.replace('/', ' --name ')} --update\` brings what the template of ${id} has changed.`,
    ...(conflicts.length > 0
      ? [
          `**Conflicts.** You and the template changed the same lines; they are between markers. Resolve them on this branch:\n${list(conflicts)}`,
        ]
      : []),
    ...(open.length > 0
      ? [
          `**Not updated.** The text that these files began from is neither in the history nor can it be fetched. Merge them by hand:\n${list(open)}`,
        ]
      : []),
    ...notes.map((note) => `**${code(note)}**`),
    ...(verified === undefined
      ? ['Not verified: it has conflicts.']
      : [
          `\`primitive verify ${id}\`: **${code(verified.verdict)}**${verified.findings.length > 0 ? `\n${list(verified.findings)}` : ''}`,
        ]),
    `Files:\n${list(files.map(({ path }) => path))}`,
    'Checks of this pull request start once a person approves them, unless an App opened it.',
    ...(GITHUB_RUN_ID
      ? [`Run: ${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}/actions/runs/${GITHUB_RUN_ID}`]
      : []),
  ];
  return `${parts.join('\n\n').slice(0, LONGEST)}\n\n${marker(seal)}\n`;
}

/** Text of the repository, which must be no Markdown, mention or HTML. */
function code(text) {
  return `\`${String(text).replace(/[`\r\n]/g, ' ')}\``;
}

/** The tree of HEAD with the files, made here: GitHub is asked only for what is pushed. */
function treeOf(files) {
  const folder = mkdtempSync(join(tmpdir(), 'primitive-update-'));
  const index = (input, ...args) => git(args, { env: { GIT_INDEX_FILE: join(folder, 'index') }, input });
  try {
    index('', 'read-tree', 'HEAD');
    for (const { path, mode, content } of files) {
      if (content === undefined) index('', 'update-index', '--force-remove', '--', path);
      else {
        const object = index(content, 'hash-object', '-w', '--no-filters', '--stdin');
        index('', 'update-index', '--add', '--cacheinfo', `${mode},${object},${path}`);
      }
    }
    return index('', 'write-tree');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** GitHub makes the commit, because it signs what it makes for the owner of the token. */
async function push(branch, files, message, there) {
  const { sha: tree } = await api('POST', 'git/trees', {
    base_tree: git(['rev-parse', 'HEAD^{tree}']),
    tree: files.map(({ path, mode = '100644', content }) =>
      content === undefined ? { path, mode, type: 'blob', sha: null } : { path, mode, type: 'blob', content },
    ),
  });
  const { sha: commit } = await api('POST', 'git/commits', {
    message,
    tree,
    parents: [git(['rev-parse', 'HEAD'])],
  });
  git(['fetch', '--quiet', '--depth=2', 'origin', commit]);
  const ref = `refs/heads/${branch}`;
  try {
    git(['push', '--quiet', `--force-with-lease=${ref}:${there}`, 'origin', `${commit}:${ref}`]);
  } catch (error) {
    if (commitOf(branch) === there) throw error;
    throw new Refused(`branch ${branch} was moved by somebody else while this ran; the next run looks again`);
  }
  return commit;
}

/** The commit of a branch on the server; empty where there is none. */
function commitOf(branch) {
  const ref = `refs/heads/${branch}`;
  const lines = git(['ls-remote', 'origin', ref]).split('\n');
  return lines.find((line) => line.endsWith(`\t${ref}`))?.split('\t')[0] ?? '';
}

async function pullsOf(branch) {
  const owner = GITHUB_REPOSITORY.split('/')[0];
  const query = new URLSearchParams({ head: `${owner}:${branch}`, base: BASE, state: 'all' });
  const pulls = await api('GET', `pulls?${query}`);
  return pulls.filter(
    ({ head }) =>
      head.ref === branch && head.repo?.full_name.toLowerCase() === GITHUB_REPOSITORY.toLowerCase(),
  );
}

async function api(method, path, body) {
  const response = await fetch(`${GITHUB_API_URL}/repos/${GITHUB_REPOSITORY}/${path}`, {
    method,
    headers: {
      accept: 'application/vnd.github+json',
      authorization: `Bearer ${TOKEN}`,
      'user-agent': 'primitive',
      'x-github-api-version': '2022-11-28',
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  const answer = await response.text();
  if (response.ok) return JSON.parse(answer);
  throw new Refused(
    response.status === 403 && path === 'pulls'
      ? `GitHub Actions may not open pull requests here: allow it in the settings, Actions, General. ${answer}`
      : `${method} ${path} failed with status ${response.status}: ${answer}`,
  );
}

/** Git, with the token in its environment: a command line can be read by other processes. */
function git(args, { env: more = {}, input = '' } = {}) {
  const { TOKEN: _, ...env } = process.env;
  const basic = Buffer.from(`x-access-token:${TOKEN}`).toString('base64');
  const config = {
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: `http.${GITHUB_SERVER_URL}/.extraheader`,
    GIT_CONFIG_VALUE_0: `AUTHORIZATION: basic ${basic}`,
  };
  return run(args, { input, env: { ...env, ...config, ...more } });
}

function run(args, options = {}) {
  try {
    const output = execFileSync('git', args, { encoding: 'utf8', maxBuffer: 256 * 1024 * 1024, ...options });
    return output.replace(/\n$/, '');
  } catch (error) {
    throw new Refused(`git ${args[0]} failed with exit code ${error.status}`);
  }
}

const [step, folder] = process.argv.slice(2);
try {
  if (folder === undefined || !['prepare', 'propose'].includes(step))
    throw new Refused('Use: prepare|propose FOLDER');
  await (step === 'prepare' ? prepare(folder) : propose(folder));
} catch (error) {
  if (!(error instanceof Refused)) throw error;
  console.error(`::error::${error.message.replaceAll('\n', ' ')}`);
  process.exitCode = 1;
}
