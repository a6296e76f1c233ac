import { Type } from 'typebox';
import type { Code } from '../core/errors.ts';
import { type DataOf, nullable, strictObject } from '../core/schema.ts';

const result = Type.Enum(
  ['planned', 'exists', 'dispatched', 'passed', 'proposed', 'merged', 'failed', 'unfinished'],
  {
    description: [
      'planned: a dry run.',
      'exists: there was nothing to ask for, by a pull request or by files on the default branch.',
      'dispatched, passed, proposed: the run was created, it succeeded, its pull request is open; what --wait asks for.',
      'merged: its pull request was merged.',
      'failed: see problem.',
      'unfinished: --timeout passed; the run goes on.',
    ].join(' '),
  },
);

/** The result of a request to the GitOps repository. */
export const gitopsRunSchema = strictObject({
  schema: Type.Literal('primitive.gitops-run/v1'),
  result,
  request: strictObject({
    id: nullable('In the name of the run; null if no run was asked for.'),
    repository: Type.String({ description: 'owner/name' }),
    workflow: Type.String(),
    ref: Type.String(),
    inputs: Type.Record(Type.String(), Type.String(), {
      description: 'As sent; with --resume those in the name of the run.',
    }),
    branch: Type.String({ description: 'Head branch of the pull request.' }),
  }),
  run: Type.Optional(
    strictObject({
      id: Type.Integer(),
      url: Type.String(),
      attempt: Type.Integer(),
      status: Type.String({ description: 'As GitHub has it: queued, in_progress, waiting, completed, …' }),
      conclusion: nullable('As GitHub has it: success, failure, …; null while the run is not completed.'),
      jobs: Type.Array(
        strictObject({
          name: Type.String(),
          status: Type.String(),
          conclusion: nullable('As of the run.'),
          url: Type.String(),
          steps: Type.Array(
            strictObject({
              number: Type.Integer(),
              name: Type.String(),
              status: Type.String(),
              conclusion: nullable('As of the run.'),
            }),
          ),
        }),
        { description: 'Of the latest attempt, in the order of GitHub.' },
      ),
    }),
  ),
  pull: Type.Optional(
    strictObject({
      number: Type.Integer(),
      url: Type.String(),
      state: Type.Enum(['open', 'merged', 'closed']),
      author: Type.String({ description: 'Login of who opened it.' }),
      base: Type.String(),
      files: Type.Array(
        strictObject({
          path: Type.String(),
          status: Type.String({ description: 'As GitHub has it: added, modified, removed, …' }),
          additions: Type.Integer(),
          deletions: Type.Integer(),
        }),
        { description: 'All that it changes, sorted by path.' },
      ),
    }),
  ),
  problem: Type.Optional(
    strictObject({
      code: Type.Unsafe<Code>(Type.String()),
      message: Type.String(),
      why: nullable('The fact behind it: of a failed step, the last lines of its log.'),
      suggestions: Type.Array(Type.String()),
    }),
  ),
  unchecked: Type.Optional(
    strictObject(
      { why: Type.String(), facts: Type.Array(Type.String()) },
      'Facts that a dry run could not look up, with the reason.',
    ),
  ),
  next: Type.Array(Type.String(), { description: 'Next steps.' }),
});

/** `primitive.gitops-run/v1`. */
export type GitopsRunDocument = DataOf<typeof gitopsRunSchema>;

export type RunProblem = NonNullable<GitopsRunDocument['problem']>;
