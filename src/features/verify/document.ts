import { Type } from 'typebox';
import { type DataOf, nullable, strictObject } from '../../core/schema.ts';
import { FAMILIES, type RuleId } from './family.ts';

const count = (description: string) => Type.Integer({ minimum: 0, description });
const family = Type.String({
  pattern: '^[A-Z]+$',
  description: `Family of rules: one of ${FAMILIES.join(', ')}, or the prefix of the rules of a plugin.`,
});
const path = Type.String({ description: 'Relative to the root of the repository, with /.' });

const finding = strictObject({
  rule: Type.Unsafe<RuleId>(
    Type.String({
      pattern: '^[A-Z]+-[0-9]{3}$',
      description: 'Explained by `primitive explain RULE`.',
    }),
  ),
  plugin: Type.Optional(Type.String({ description: 'Name and version of the plugin whose rule it is.' })),
  level: Type.Enum(['error', 'warning', 'info'], {
    description: 'An error fails, a warning and an info do not.',
  }),
  message: Type.String({ description: 'The problem, in one sentence that begins with its subject.' }),
  path,
  line: Type.Optional(Type.Integer({ minimum: 1 })),
  column: Type.Optional(Type.Integer({ minimum: 1, description: 'In UTF-16 code units.' })),
  fingerprint: Type.String({
    pattern: '^[0-9a-f]{32}$',
    description: 'Stays the same if only line numbers change.',
  }),
  fix: Type.Optional(
    strictObject({
      kind: Type.Enum(['command', 'edit', 'text'], {
        description: 'command: run it at the root; edit: write it there; text: advice.',
      }),
      text: Type.String(),
    }),
  ),
  related: Type.Optional(
    Type.Array(
      strictObject({
        message: Type.String(),
        path: Type.Optional(path),
        line: Type.Optional(Type.Integer({ minimum: 1 })),
      }),
      { description: 'Places and test cases that it also concerns.' },
    ),
  ),
});

/** Contract `primitive.verify/v1`: the same tree gives the same bytes but for `run`. */
export const verifySchema = strictObject(
  {
    schema: Type.Literal('primitive.verify/v1'),
    verdict: Type.Enum(['passed', 'partial', 'failed', 'incomplete'], {
      description:
        'passed: all was checked and nothing is wrong; partial: nothing is wrong in what was checked, `unchecked` has the rest; failed: there are findings of level error; incomplete: a check could not run; there may be findings too.',
    }),
    scope: strictObject({
      mode: Type.Enum(['primitives', 'repo'], {
        description: 'primitives: files of primitives; repo: all files.',
      }),
      changedSince: nullable('The revision that was given.'),
      families: Type.Array(family, { description: 'That were asked for.' }),
      tests: Type.Boolean({ description: 'False for --no-tests.' }),
      primitives: Type.Array(Type.String(), { description: 'That were checked, sorted.' }),
    }),
    plugins: Type.Array(
      strictObject({
        name: Type.String(),
        version: Type.String(),
        rules: Type.Array(Type.String(), { description: 'Ids of rules that judged, or are INT-008.' }),
      }),
      { description: 'Plugins with rules of the families that were asked for, sorted by name.' },
    ),
    policy: strictObject(
      {
        from: nullable('The revision of --policy-from.'),
        changed: Type.Array(Type.String(), {
          description:
            'Files of it that differ from that revision, or else changed since that of --changed-since; sorted.',
        }),
      },
      'By what was judged: config, kinds, suppressions, baseline, plugins.',
    ),
    unchecked: Type.Array(
      strictObject({
        what: Type.String({
          description: 'A family of rules, a suite (domain/orders unit), a folder or a file.',
        }),
        why: Type.String(),
      }),
      { description: 'Files and checks that this report does not cover.' },
    ),
    compared: Type.Array(
      strictObject({
        path: Type.String({ description: 'Folder of proto files, or the primitive of deleted ones.' }),
        files: count('Proto files that the base has; 0 if they are new.'),
        with: Type.String({ description: '`release CHANNEL`, or `merge base with BRANCH`.' }),
        commit: Type.String({ description: 'The commit of the release, or the merge base.' }),
        why: nullable('Why it is not a release.'),
      }),
      { description: 'Proto files that were compared with earlier ones, so that consumers still read them.' },
    ),
    account: strictObject(
      {
        files: count(
          'That git does not ignore, and folders with a repository of their own: the sum of the others.',
        ),
        checked: Type.Array(
          strictObject({ families: Type.Array(family), files: count('That exactly these families judged.') }),
        ),
        leftOut: Type.Array(
          strictObject({ why: Type.String(), files: count('Not judged for that reason.') }),
        ),
        notOurs: Type.Array(
          strictObject({
            rule: Type.Enum(['link', 'mode', 'selection'], {
              description:
                'link: what it leads to is judged at its own place; mode: in no primitive and in no image of one; selection: of a primitive that was not selected.',
            }),
            files: count('That this run does not judge by that rule.'),
          }),
        ),
      },
      'Each file of the work tree, counted under exactly one of these.',
    ),
    summary: strictObject({
      errors: count('Findings of level error that are not suppressed.'),
      warnings: count('The same of level warning.'),
      infos: count('The same of level info.'),
      suppressed: count('Findings that a suppression covers.'),
      baselined: count('Findings that the baseline has.'),
    }),
    findings: Type.Array(finding, { description: 'Sorted by path, place, rule and message.' }),
    suppressed: Type.Array(strictObject({ finding, reason: Type.String(), owner: Type.String() }), {
      description: 'Findings that do not count, sorted in the same way.',
    }),
    baselined: Type.Array(finding, {
      description: 'Findings that do not count, because the baseline has them; sorted in the same way.',
    }),
    suites: Type.Array(
      strictObject({
        primitive: Type.String({ description: 'domain/orders' }),
        suite: Type.String(),
        required: Type.Boolean({ description: 'By kind.yaml.' }),
        passed: count('Cases.'),
        failed: count('Cases, for any reason.'),
        skipped: count('Cases.'),
      }),
      { description: 'That were run, sorted by primitive and suite.' },
    ),
    run: strictObject(
      {
        milliseconds: count('From start to end.'),
        evidence: Type.Array(
          strictObject({
            primitive: Type.String(),
            suite: Type.String(),
            file: Type.String({ description: 'JUnit with every case and its output; absolute.' }),
            digest: Type.String({ pattern: '^sha256:[0-9a-f]{64}$' }),
          }),
        ),
      },
      'Data that differs from run to run.',
    ),
  },
  'Findings of `primitive verify`.',
);

export type VerifyDocument = DataOf<typeof verifySchema>;
export type VerifyFinding = DataOf<typeof finding>;
