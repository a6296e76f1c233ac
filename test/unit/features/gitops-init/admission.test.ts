import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { bundledKit } from '../../../../src/features/gitops-init/bundled.ts';
import { renderKit } from '../../../../src/features/gitops-init/render.ts';
import { kitText } from '../../../../src/features/gitops-init/settings.ts';

const kit = await bundledKit();
const SIGNER = {
  issuer: 'https://token.actions.githubusercontent.com',
  identity: 'https://github.com/acme/app/.github/workflows/publish.yaml@refs/heads/main',
};
const source = (more: object = {}) => ({
  repository: 'acme/app',
  registry: 'ghcr.io/acme',
  trusted: [SIGNER],
  ...more,
});

const settings = (more: object) =>
  stringify({
    ...parse(kitText({}, { remote: 'https://github.com/acme/gitops' }, kit.resources)),
    sources: [source()],
    admission: { engine: 'kyverno' },
    ...more,
  });

const render = (more: object = {}, texts: Readonly<Record<string, string>> = {}) =>
  renderKit(settings(more), kit, async () => new Map(Object.entries(texts)));

async function policyOf(lane: string, more: object = {}, texts: Readonly<Record<string, string>> = {}) {
  const text = (await render(more, texts)).get(`argocd/admission/${lane}/policy.yaml`);
  return text === undefined ? undefined : parse(text).spec;
}

const admissionFiles = async (more: object) =>
  [...(await render(more)).keys()].filter((path) => path.startsWith('argocd/admission/'));

describe('the policies of admission', () => {
  test('are of each lane and of previews, in their namespaces alone', async () => {
    expect(await admissionFiles({})).toEqual([
      'argocd/admission/dev/policy.yaml',
      'argocd/admission/local/policy.yaml',
      'argocd/admission/previews/policy.yaml',
      'argocd/admission/production/policy.yaml',
      'argocd/admission/staging/policy.yaml',
    ]);
    expect((await policyOf('production')).matchConstraints.namespaceSelector).toEqual({
      matchLabels: { 'kubernetes.io/metadata.name': 'acme-production' },
    });
  });

  test('are left out with their setting, their part or what deploys them, and nothing names them then', async () => {
    for (const more of [{ admission: undefined }, { parts: ['argocd', 'previews', 'gate', 'charts'] }]) {
      expect(await admissionFiles(more)).toEqual([]);
      const named = [...(await render(more))].filter(
        ([path, text]) => path.startsWith('argocd/') && /admission-|-admission|policies[.]kyverno/.test(text),
      );
      expect(named.map(([path]) => path)).toEqual([]);
    }
    expect(await admissionFiles({ parts: ['admission', 'gate'] })).toEqual([]);
    expect(await admissionFiles({ previews: undefined })).not.toContain(
      'argocd/admission/previews/policy.yaml',
    );
  });

  test('take an accepted signer by its pattern where the lane does, and nowhere else', async () => {
    const accepted = [
      { ...SIGNER, identity: 'https://github.com/acme/app/.github/workflows/*.yaml@refs/pull/*/merge' },
    ];
    const more = {
      sources: [source({ accepted })],
      lanes: [
        { name: 'local', cluster: 'main', namespace: 'acme-local', digest: true, signers: 'accepted' },
        { name: 'production', cluster: 'main', namespace: 'acme-production', digest: true },
      ],
    };
    const identities = async (lane: string) =>
      (await policyOf(lane, more)).attestors.flatMap(
        ({ cosign }: { cosign: { keyless: { identities: object[] } } }) => cosign.keyless.identities,
      );
    const exact = { issuer: SIGNER.issuer, subject: SIGNER.identity };
    expect(await identities('production')).toEqual([exact]);
    const [, pattern] = await identities('local');
    const expression = new RegExp(pattern.subjectRegExp);
    const workflows = 'https://github.com/acme/app/.github/workflows';
    expect(expression.test(`${workflows}/publish.yaml@refs/pull/7/merge`)).toBe(true);
    for (const other of [
      `${workflows}/publish.yaml@refs/pull/7/x/merge`,
      `${workflows}/a/b.yaml@refs/pull/7/merge`,
      `${workflows}/publishXyaml@refs/pull/7/merge`,
      `https://evil.example/${workflows}/publish.yaml@refs/pull/7/merge`,
      `${workflows}/publish.yaml@refs/pull/7/merge/x`,
    ])
      expect(expression.test(other)).toBe(false);
  });

  test('admit the database of a preview, and are deployed once for previews of several repositories', async () => {
    const previews = {
      repository: 'acme/app',
      label: 'preview',
      cluster: 'main',
      postgres: `docker.io/acme/postgres@sha256:${'a'.repeat(64)}`,
      others: [{ name: 'shop', repository: 'acme/shop' }],
    };
    const unknown = async (lane: string) => JSON.stringify((await policyOf(lane, { previews })).variables);
    expect(await unknown('previews')).toContain(` || i == '${previews.postgres}'`);
    expect(await unknown('dev')).not.toContain(previews.postgres);
    const sets = [...(await render({ previews })).values()].join('\n');
    expect(sets.match(/name: acme-admission-previews$/gm)).toHaveLength(1);
  });

  test('hold the text of a key, and are refused without it', async () => {
    const more = { sources: [source({ trusted: [{ key: 'keys/release.pub' }] })] };
    const { attestors } = await policyOf('dev', more, { 'keys/release.pub': 'PEM\n' });
    expect(attestors[0].cosign.key.data).toBe('PEM\n');
    await expect(render(more)).rejects.toMatchObject({ code: 'kit-key-missing', exit: 2 });
  });

  test('judge an image by the source whose registry is the deepest', async () => {
    const team = source({ repository: 'acme/team', registry: 'ghcr.io/acme/team' });
    const { matchImageReferences } = await policyOf('dev', { sources: [source(), team] });
    expect(matchImageReferences).toEqual([
      { expression: "ref.startsWith('ghcr.io/acme/') && !ref.startsWith('ghcr.io/acme/team/')" },
      { expression: "ref.startsWith('ghcr.io/acme/team/')" },
    ]);
  });

  test('ask for the logs that the trusted root of a source has', async () => {
    const more = { sources: [source({ trustedRoot: 'keys/root.json' })] };
    const ctlog = async (root: object) =>
      (await policyOf('dev', more, { 'keys/root.json': JSON.stringify(root) })).attestors[0].cosign.ctlog;
    expect(await ctlog({ tlogs: [{}], ctlogs: [{}] })).toBeUndefined();
    expect(await ctlog({ tlogs: [{}] })).toEqual({ insecureIgnoreSCT: true });
    expect(await ctlog({})).toEqual({ insecureIgnoreTlog: true, insecureIgnoreSCT: true });
  });

  test.each([
    ['no source', { sources: [] }, '`admission` needs `sources`'],
    [
      'a workflow that other repositories may call',
      {
        sources: [
          source({
            trusted: [
              {
                ...SIGNER,
                identity: 'https://github.com/shared/workflows/.github/workflows/p.yaml@v1',
                repository: 'acme/app',
              },
            ],
          }),
        ],
      },
      '`admission` cannot hold a signer to `repository`',
    ],
    ['another engine', { admission: { engine: 'opa' } }, '`admission.engine` must be kyverno'],
  ])('are refused for %s', async (_, more, message) => {
    await expect(render(more)).rejects.toMatchObject({
      message: expect.stringContaining(message),
      exit: 2,
    });
  });
});
