// Moves releases between lanes: `node move.mjs edit|propose`, a step of the workflow each. The edits are made by
// `primitive gitops pin` and `promote`; nothing else is proposed than what they write.
import { execFileSync } from 'node:child_process';
import { appendFileSync, readFileSync } from 'node:fs';
import {
  againIfRaced,
  api,
  askedFor,
  commitFiles,
  commitOf,
  createPull,
  findPull,
  git,
  makerOf,
  moveBranch,
  readInputs,
  summary,
} from './github.mjs';
import { Refused, report } from './render.mjs';

const FOLDER = '.github/primitive';

const contract = JSON.parse(readFileSync(`${FOLDER}/moves.json`, 'utf8'));

/** The request, checked. */
function readRequest() {
  const values = readInputs(contract);
  const needed = { pin: 'release', promote: 'from', rollback: 'revision' }[values.action];
  if (values[needed] === '') throw new Refused(`${needed} is missing. ${contract.inputs[needed].help}`);
  return { ...values, branch: contract.branch.replace('{lane}', values.lane) };
}

/** What the CLI is asked to write. */
function argumentsOf({ action, lane, release, source, from, revision, components }) {
  const only = components === '' ? [] : components.split(',').flatMap((name) => ['--component', name]);
  const what = {
    pin: ['pin', '--lane', lane, '--release', release, ...(source === '' ? [] : ['--source', source])],
    promote: ['promote', '--to', lane, '--from', from],
    rollback: ['promote', '--to', lane, '--rollback', revision],
  };
  return ['gitops', ...what[action], ...only, '--write'];
}

/** Edits the checkout, and says in the output `changed` whether there is anything to propose. */
function edit(request) {
  const { PRIMITIVE: cli, BODY: body, GITHUB_OUTPUT: output } = process.env;
  try {
    execFileSync(process.execPath, [cli, ...argumentsOf(request), '--report', `markdown=${body}`], {
      stdio: 'inherit',
    });
  } catch (error) {
    throw new Refused(`primitive failed with exit code ${error.status}: see its output above`);
  }
  if (output) appendFileSync(output, `changed=${filesOf(request).size > 0}\n`);
}

/** Whether a file has values of the lane, that a release moves. */
function isOfLane(path, lane) {
  return (
    path.startsWith(`sources/values/env/${lane}/`) ||
    path === `sources/values/_platform/${lane}/operators.yaml`
  );
}

/** Files that differ from the branch that is deployed, with their texts; all of them are values of the lane. */
function filesOf({ lane }) {
  const paths = git('status', '--porcelain', '--untracked-files=all', '-z').split('\0').filter(Boolean);
  return new Map(
    paths
      .map((entry) => entry.replace(/^..? /, ''))
      .sort()
      .map((path) => {
        if (!isOfLane(path, lane)) throw new Refused(`${path} was changed, which is not of lane ${lane}`);
        return [path, readFileSync(path, 'utf8')];
      }),
  );
}

/** Recreates the branch of the lane from the one that is deployed and the edits, and makes sure that its pull request is open. */
async function propose(request) {
  const files = filesOf(request);
  await againIfRaced(() => proposeOnce(request, files));
}

async function proposeOnce(request, files) {
  const { action, lane, branch, release, from, revision, request_id: id } = request;
  const open = await findPull(branch);
  const there = commitOf(branch);
  const what = { pin: `Pin ${release}`, promote: `Promote ${from}`, rollback: `Roll back to ${revision}` }[
    action
  ];
  const title = `${what} in ${lane}`;
  const commit = await commitFiles(files, title);
  if (there !== '') await refuseForeign(branch, there, commit, lane);
  moveBranch(branch, commit, there);
  const asked = askedFor(id, open?.body ?? '');
  const note = `Each request for ${lane} recreates the branch: the last one counts.`;
  const body = `${readFileSync(process.env.BODY, 'utf8')}\n${note}\n\n${asked}\n`;
  const pull = open ?? (await createPull(branch, { title, body }));
  if (open !== undefined && (open.title !== title || open.body !== body))
    await api('PATCH', `pulls/${open.number}`, { title, body });
  if (commitOf(branch) !== commit)
    throw new Refused(
      `Branch ${branch} was pushed to by somebody else while this ran. Read ${pull.html_url} before you merge it, or start the workflow again.`,
    );
  summary(`Pull request: ${pull.html_url}\n\n${[...files.keys()].map((path) => `- ${path}`).join('\n')}`);
}

/**
 * What somebody else has pushed to the branch would be lost. The workflow has one commit there, of values of the lane, and who
 * made that one has made `own`, too.
 */
async function refuseForeign(branch, there, own, lane) {
  const { files, commits } = await api('GET', `compare/${git('rev-parse', 'HEAD')}...${there}`);
  const foreign = files.map(({ filename }) => filename).filter((path) => !isOfLane(path, lane));
  if (commits.length > 1) foreign.push(...commits.map(({ sha }) => sha));
  else if (commits.length === 1) {
    const [maker, self] = [await makerOf(there), await makerOf(own)];
    if (maker !== self) foreign.push(`${there} by ${maker}; this workflow is ${self}`);
  }
  if (foreign.length === 0) return;
  throw new Refused(
    `Branch ${branch} has what this workflow did not write there. Read it, then merge it or delete the branch:\n${foreign.join('\n')}`,
  );
}

const steps = { edit, propose };
try {
  const step = steps[process.argv[2]];
  if (step === undefined) throw new Refused(`Use one of: ${Object.keys(steps).join(', ')}`);
  await step(readRequest());
} catch (error) {
  report(error);
}
