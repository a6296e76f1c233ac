import { describe, expect, test } from 'vitest';
import { listText } from '../../../../src/features/list/view.ts';
import type {
  PublishedComponent,
  PublishPlan,
  PublishReport,
} from '../../../../src/features/publish/document.ts';
import {
  planMarkdown,
  planOutputs,
  planText,
  publishMarkdown,
  publishOutputs,
  publishText,
} from '../../../../src/features/publish/view.ts';
import type { ImageRepository } from '../../../../src/oci/types.ts';
import { createStyle } from '../../../../src/render/style.ts';

const plain = createStyle(false);
const commit = '3f2a91c04d1e3f2a91c04d1e3f2a91c04d1e3f2a';
const digest = `sha256:${'9f'.repeat(32)}` as const;
const registry = 'ghcr.io/acme';

function component(name: string, more: Partial<PublishedComponent>): PublishedComponent {
  const image = `${registry}/domain-${name}`;
  return {
    kind: 'domain',
    name,
    path: `primitives/domain/${name}`,
    image,
    inputDigest: 'a'.repeat(64),
    platforms: ['linux/amd64'],
    action: 'built',
    reason: 'no sealed image of these inputs',
    tags: [commit],
    digest,
    ref: `${image}:${commit}@${digest}`,
    ...more,
  };
}

const failed = component('stock', {
  action: 'failed',
  reason: 'The build failed.',
  tags: [],
  error: {
    code: 'build-failed',
    message: 'The build failed.',
    why: 'exit code 1\n\u001b[2Jof go test',
    log: 'RUN go test',
    suggestions: ['Mend it.'],
    retryable: false,
  },
});
const { digest: _digest, ref: _ref, ...unbuilt } = failed;

const report: PublishReport = {
  schema: 'primitive.publish/v1',
  verdict: 'failed',
  commit,
  tier: 'trusted',
  signer: { type: 'key', fingerprint: 'sha256:00' },
  components: [
    component('orders', {}),
    component('ledger', { action: 'reused', reason: 'inputs | unchanged' }),
    unbuilt,
  ],
  channel: { tag: 'main', action: 'skip', moved: false, reason: 'not everything is sealed' },
  run: {
    duration: 1234,
    phases: [
      { phase: 'build', duration: 1100 },
      { phase: 'sign', duration: 134 },
    ],
    requests: 34,
  },
};

const plan: PublishPlan = {
  schema: 'primitive.publish-plan/v1',
  commit,
  run: { tier: 'accepted', signer: { type: 'key', fingerprint: 'sha256:00' } },
  tags: [commit],
  sealOnly: false,
  keepGoing: false,
  components: [
    {
      kind: 'domain',
      name: 'orders',
      path: 'p',
      image: `${registry}/domain-orders` as ImageRepository,
      inputDigest: 'a'.repeat(64),
      platforms: [],
      action: 'build',
      reason: 'new',
    },
    {
      kind: 'domain',
      name: 'stock',
      path: 'p',
      image: `${registry}/domain-stock` as ImageRepository,
      inputDigest: 'b'.repeat(64),
      platforms: [],
      action: 'conflict',
      existing: digest,
      reason: 'taken',
    },
  ],
  record: {
    repository: `${registry}/primitive-releases` as ImageRepository,
    tag: commit,
    action: 'write',
    reason: 'none yet',
  },
  channel: { tag: 'main', action: 'skip', reason: 'only a trusted run moves the channel' },
};

describe('a publish', () => {
  test('for people', () => {
    expect(publishText(report, plain)).toBe(
      `3f2a91c04d1e by a trusted run: 1 built, 1 reused, 1 failed

✓  domain/orders  built   sha256:9f9f9f9f9f9f  no sealed image of these inputs
✓  domain/ledger  reused  sha256:9f9f9f9f9f9f  inputs | unchanged
✗  domain/stock   failed

✗ domain/stock: The build failed. [build-failed]
    exit code 1
    \\u001b[2Jof go test
    try: Mend it.

${registry}/domain-orders:${commit}@${digest}
${registry}/domain-ledger:${commit}@${digest}

release  no record is written
channel  main stays: not everything is sealed
run      1.2s, 34 registry requests
phases   build 1.1s, sign 0.1s
`,
    );
  });

  test('as Markdown: nothing from outside becomes markup', () => {
    const lines = publishMarkdown(report).split('\n');
    expect(lines[0]).toBe('### Publish failed: `3f2a91c04d1e` (trusted)');
    expect(publishMarkdown({ ...report, verdict: 'published' })).toMatch(
      /^### Published `3f2a91c04d1e` \(trusted\)\n/,
    );
    expect(lines).toContain(
      `| domain/ledger | reused | \`${registry}/domain-ledger:${commit}@${digest}\` | inputs \\| unchanged |`,
    );
    expect(lines).toContain('| domain/stock | failed |  | The build failed. |');
  });

  test('as step outputs: what is tagged, by component', () => {
    const release = { ref: `${registry}/primitive-releases:${commit}@${digest}`, digest, written: true };
    expect(publishOutputs({ ...report, release })).toEqual({
      refs: JSON.stringify({
        'domain/orders': `${registry}/domain-orders:${commit}@${digest}`,
        'domain/ledger': `${registry}/domain-ledger:${commit}@${digest}`,
      }),
      release: release.ref,
    });
    expect(publishOutputs(report).release).toBe('');
  });
});

describe('a plan', () => {
  test('for people', () => {
    expect(planText(plan, plain)).toBe(
      `Plan for 3f2a91c04d1e by an accepted run: 1 build, 1 conflict

domain/orders  build     new
domain/stock   conflict  taken

record   write  ${registry}/primitive-releases:${commit} (none yet)
channel  skip   main (only a trusted run moves the channel)

Nothing was changed.
`,
    );
  });

  test('as Markdown and as a matrix of what is to be built', () => {
    expect(planMarkdown(plan)).toContain('| domain/stock | conflict | taken |');
    expect(planOutputs(plan)).toEqual({
      matrix: JSON.stringify({ include: [{ component: 'domain/orders', kind: 'domain', name: 'orders' }] }),
    });
  });
});

test('an inventory', () => {
  const common = {
    kind: 'domain',
    path: 'p',
    state: 'committed',
    problem: null,
    inputDigest: 'ab'.repeat(32),
    language: 'go',
    advisories: [],
  } as const;
  const current = { state: 'current', behind: [] } as const;
  const primitives = [
    { ...common, name: 'billing', image: 'r.io/billing', template: { version: 1, latest: 1, ...current } },
    {
      ...common,
      name: 'orders',
      image: 'r.io/orders',
      template: { version: 1, latest: 2, state: 'behind', behind: ['a'] },
    },
    { ...common, name: 'own', image: 'r.io/own', template: null },
    { ...common, name: 'new', image: 'r.io/new', template: null, state: 'uncommitted', inputDigest: null },
    {
      ...common,
      name: '\u001b',
      image: null,
      template: null,
      state: 'invalid',
      problem: 'p/primitive.yaml:1:1: it is \u001b[1mwrong\r',
      inputDigest: null,
    },
  ] as const;
  expect(listText({ schema: 'primitive.list/v1', commit, primitives }, plain)).toBe(
    [
      'PRIMITIVE       LANGUAGE  TEMPLATE  INPUTS        IMAGE',
      'domain/billing  go        1         abababababab  r.io/billing',
      'domain/orders   go        1, now 2  abababababab  r.io/orders',
      'domain/own      go        -         abababababab  r.io/own',
      'domain/new      go        -         uncommitted   r.io/new',
      'domain/\\u001b   go        -         invalid       -',
      '',
      'p/primitive.yaml:1:1: it is wrong\\u000d',
      '',
    ].join('\n'),
  );
});
