// What workflows of the kit share: their inputs, git, and pull requests of GitHub.
import { execFileSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { Refused } from './render.mjs';

const FOLDER = '.github/primitive';

/** The inputs of a run, in the environment as JSON in INPUTS, checked by the file that says what they may be; texts. */
export function readInputs(contract) {
  const given = JSON.parse(process.env.INPUTS ?? '{}');
  const faults = [];
  const values = {};
  for (const [key, input] of Object.entries(contract.inputs)) {
    const value = String(given[key] ?? input.default ?? '');
    values[key] = value;
    if (input.required && value === '') faults.push(`${key} is missing. ${input.help}`);
    else if (input.type === 'boolean' && !['true', 'false'].includes(value))
      faults.push(`${key} must be true or false`);
    else if (value.length > (input.maxLength ?? Infinity))
      faults.push(`${key} is longer than ${input.maxLength} characters`);
    else if (input.pattern !== undefined && !new RegExp(input.pattern).test(value))
      faults.push(`${key} is ${JSON.stringify(value)}. ${input.help}`);
  }
  if (faults.length > 0) throw new Refused(faults.join('\n'));
  return values;
}

/** How often it is proposed again if somebody else, such as another run, has moved the branch meanwhile. */
const RACES = 3;

/** The branch or its pull request was changed by somebody else meanwhile. */
class Raced extends Refused {}

/** Runs `work` again, with the number of the attempt, if somebody else has moved the branch meanwhile. */
export async function againIfRaced(work) {
  for (let race = 1; ; race++) {
    try {
      return await work(race);
    } catch (error) {
      if (!(error instanceof Raced) || race === RACES) throw error;
      console.log(`${error.message} Proposing it again.`);
    }
  }
}

const ASKED = /^Asked for by .*$/gm;

/** Who asked for a pull request in which runs, those that its text `before` has, too. */
export function askedFor(id, before) {
  const {
    GITHUB_SERVER_URL: server,
    GITHUB_REPOSITORY: repository,
    GITHUB_RUN_ID: run,
    GITHUB_ACTOR: actor,
  } = process.env;
  const asked = `Asked for by ${actor ?? 'an unknown user'}${run ? `, run ${server}/${repository}/actions/runs/${run}` : ''}${id ? `, request ${id}` : ''}`;
  return [...new Set([...(before.match(ASKED) ?? []), asked])].join('\n');
}

/** The commit of a branch on the server; empty where there is none. */
export function commitOf(branch) {
  const ref = `refs/heads/${branch}`;
  // The pattern is compared with the end of each name: another branch may end like this one.
  const lines = git('ls-remote', 'origin', ref).split('\n');
  return lines.find((line) => line.endsWith(`\t${ref}`))?.split('\t')[0] ?? '';
}

/**
 * Commits files, path -> text, to the branch that is deployed, as it was checked out, and makes that the branch, which is still at
 * `there`; the id of the commit.
 */
export async function push(branch, files, message, there) {
  const commit = await commitFiles(files, message);
  moveBranch(branch, commit, there);
  return commit;
}

/**
 * Commits files, path -> text, to the branch that is deployed, as it was checked out; the id of the commit, which no branch
 * has yet. GitHub makes the commit, because it signs what it makes for the owner of the token.
 */
export async function commitFiles(files, message) {
  const parent = git('rev-parse', 'HEAD');
  const { sha: tree } = await api('POST', 'git/trees', {
    base_tree: git('rev-parse', 'HEAD^{tree}'),
    tree: [...files].map(([path, content]) => ({ path, mode: '100644', type: 'blob', content })),
  });
  const { sha } = await api('POST', 'git/commits', { message, tree, parents: [parent] });
  return sha;
}

/** Makes a commit the head of a branch that is still at `there`. */
export function moveBranch(branch, commit, there) {
  // With its parent: a history that begins with it cannot be pushed.
  git('fetch', '--quiet', '--depth=2', 'origin', commit);
  const ref = `refs/heads/${branch}`;
  try {
    git('push', '--quiet', `--force-with-lease=${ref}:${there}`, 'origin', `${commit}:${ref}`);
  } catch (error) {
    if (commitOf(branch) === there) throw error;
    throw new Raced(`Branch ${branch} was moved by somebody else while this ran.`);
  }
}

/**
 * Who has made a commit, as GitHub knows it, as a text to compare: author and committer, and whether it vouches for them by
 * a signature that it has verified. Names alone are free to choose.
 */
export async function makerOf(commit) {
  const { author, committer, verification } = await api('GET', `git/commits/${commit}`);
  const names = [author, committer].map(({ name, email }) => `${name} <${email}>`);
  return `${names.join(', ')}, ${verification?.verified ? 'verified' : 'not verified'}`;
}

/** Git, with the token in its environment: a command line can be read by other processes. */
export function git(...args) {
  return gitWith('', ...args);
}

export function gitWith(input, ...args) {
  const { TOKEN = '', GITHUB_SERVER_URL: server = 'https://github.com', ...env } = process.env;
  const basic = Buffer.from(`x-access-token:${TOKEN}`).toString('base64');
  const config = {
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: `http.${server}/.extraheader`,
    GIT_CONFIG_VALUE_0: `AUTHORIZATION: basic ${basic}`,
  };
  try {
    return execFileSync('git', args, { input, encoding: 'utf8', env: { ...env, ...config } }).trim();
  } catch (error) {
    throw new Refused(
      `git ${args.find((arg) => /^[a-z]+(-[a-z]+)?$/.test(arg))} failed with exit code ${error.status}`,
    );
  }
}

/** The open pull request of a branch, which this workflow has to have opened. */
export async function findPull(branch) {
  const { GITHUB_REPOSITORY: repository, BASE: onto, AUTHOR: author = 'github-actions[bot]' } = process.env;
  const owner = repository.split('/')[0];
  const query = new URLSearchParams({ head: `${owner}:${branch}`, base: onto, state: 'open' });
  const pulls = await api('GET', `pulls?${query}`);
  // GitHub ignores a head that it cannot read, and lists all; a fork of the same owner has a head of the same name.
  const open = pulls.find(
    ({ head, base }) =>
      head.ref === branch &&
      head.repo?.full_name.toLowerCase() === repository.toLowerCase() &&
      base.ref === onto,
  );
  if (open !== undefined && open.user.login.toLowerCase() !== author.toLowerCase())
    throw new Refused(
      `Pull request ${open.html_url} of branch ${branch} was opened by ${open.user.login}, and those of this workflow are opened by ${author}. Merge or close it, then start the workflow again.`,
    );
  return open;
}

export async function createPull(branch, { title, body }) {
  try {
    return await api('POST', 'pulls', { title, head: branch, base: process.env.BASE, body });
  } catch (error) {
    if (error.status === 422 && /already exists/.test(error.message))
      throw new Raced(`A pull request of branch ${branch} was opened while this ran.`);
    throw error;
  }
}

/** How often GitHub is asked where it does not answer, or not as it should, and for how long each time, in milliseconds. */
const ATTEMPTS = 5;
const PATIENCE = 30_000;

/** Calls GitHub. What it fails with now and then is asked again: all that is sent here may be sent twice. */
export async function api(method, path, body) {
  for (let attempt = 1; ; attempt++) {
    const { status, text, wait } = await ask(method, path, body);
    if (status >= 200 && status < 300) return JSON.parse(text);
    if (wait !== undefined && attempt < ATTEMPTS) {
      const seconds = wait || 2 ** (attempt - 1);
      console.log(`${method} ${path}: status ${status}. Asking again in ${seconds} s.`);
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
      continue;
    }
    const refused = new Refused(
      status === 403 && method === 'POST'
        ? `GitHub refused to write (403, ${path}). Set up the GitHub App: see ${FOLDER}/README.md.\n${text}`
        : `${method} ${path} failed with status ${status}: ${text}`,
    );
    throw Object.assign(refused, { status });
  }
}

/** One answer; `wait` if it may be another one later: the seconds that GitHub asks for, at most a minute, or 0. No answer has status 0. */
async function ask(method, path, body) {
  const { GITHUB_API_URL, GITHUB_REPOSITORY, TOKEN } = process.env;
  try {
    const response = await fetch(`${GITHUB_API_URL}/repos/${GITHUB_REPOSITORY}/${path}`, {
      method,
      headers: {
        accept: 'application/vnd.github+json',
        authorization: `Bearer ${TOKEN}`,
        'x-github-api-version': '2022-11-28',
      },
      signal: AbortSignal.timeout(PATIENCE),
      ...(body && { body: JSON.stringify(body) }),
    });
    const { status, headers } = response;
    const text = await response.text();
    const later = headers.get('retry-after');
    const isPassing = status === 429 || status >= 500 || (status === 403 && later !== null);
    return { status, text, ...(isPassing && { wait: Math.min(Number(later) || 0, 60) }) };
  } catch (error) {
    return { status: 0, text: `${error.message} ${error.cause?.message ?? ''}`.trim(), wait: 0 };
  }
}

export function summary(text) {
  console.log(text);
  if (process.env.GITHUB_STEP_SUMMARY) appendFileSync(process.env.GITHUB_STEP_SUMMARY, `${text}\n`);
}
