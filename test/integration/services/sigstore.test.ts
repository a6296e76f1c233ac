import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Distribution, startDistribution } from '../../support/services/distribution.ts';
import { type Olareg, startOlareg } from '../../support/services/olareg.ts';
import { attempt, type RunResult, run } from '../../support/services/run.ts';
import { pushSampleImage } from '../../support/services/sample-image.ts';
import { type Sigstore, startSigstore } from '../../support/services/sigstore.ts';
import { tool } from '../../tools/locate.ts';

const MAIN = 'https://github.com/acme/app/.github/workflows/publish.yaml@refs/heads/main';

let sigstore: Sigstore;
let distribution: Distribution;
let olareg: Olareg;
const started = new AsyncDisposableStack();
beforeAll(async () => {
  sigstore = started.use(await startSigstore());
  distribution = started.use(await startDistribution());
  olareg = started.use(await startOlareg());
});
afterAll(() => started.disposeAsync());

async function sign(image: string, env: Readonly<Record<string, string>>, by = sigstore): Promise<void> {
  const config = [`--signing-config=${by.signingConfig}`, `--trusted-root=${by.trustedRoot}`];
  await run(tool('cosign'), ['sign', '--yes', ...config, image], { env });
}

function verify(program: string, image: string, extra: readonly string[] = []): Promise<RunResult> {
  return attempt(tool(program), [
    'verify',
    `--trusted-root=${sigstore.trustedRoot}`,
    '--insecure-ignore-sct',
    '--insecure-ignore-tlog',
    '--use-signed-timestamps',
    `--certificate-identity=${MAIN}`,
    `--certificate-oidc-issuer=${sigstore.issuer}`,
    ...extra,
    image,
  ]);
}

describe.each([
  { name: 'Distribution', host: () => distribution.host },
  { name: 'olareg', host: () => olareg.host },
])('keyless signing on $name', ({ host }) => {
  it.each(['cosign', 'cosign2'])('of a push on main is verified by %s', async (program) => {
    const image = await pushSampleImage(`${host()}/acme/app`);
    expect((await verify(program, image)).code).not.toBe(0);
    await sign(image, sigstore.signingEnv());
    expect(await verify(program, image)).toMatchObject({ code: 0 });
  });
});

describe('an identity', () => {
  it('of a pull request signs, and is refused by the policy for main', async () => {
    const image = await pushSampleImage(`${olareg.host}/acme/app`);
    await sign(image, sigstore.githubActionsEnv({ ref: 'refs/pull/7/merge', event: 'pull_request' }));
    const verified = await verify('cosign', image);
    expect(verified.code).not.toBe(0);
    expect(verified.stderr).toContain('refs/pull/7/merge');
  });

  it('carries repository, ref, trigger and commit into the certificate', async () => {
    const sha = 'abcdef0123456789abcdef0123456789abcdef01';
    const image = await pushSampleImage(`${olareg.host}/acme/app`);
    await sign(image, sigstore.githubActionsEnv({ sha }));
    const claims = ['repository=acme/app', 'ref=refs/heads/main', 'trigger=push', `sha=${sha}`];
    const extra = claims.map((claim) => `--certificate-github-workflow-${claim}`);
    expect(await verify('cosign', image, extra)).toMatchObject({ code: 0 });
    expect((await verify('cosign', image, ['--certificate-github-workflow-trigger=schedule'])).code).not.toBe(
      0,
    );
  });

  it('of an unrelated Sigstore is refused', async () => {
    await using other = await startSigstore();
    const image = await pushSampleImage(`${olareg.host}/acme/app`);
    await sign(image, other.signingEnv(), other);
    expect((await verify('cosign', image)).code).not.toBe(0);
  });
});

describe('the address for ID tokens', () => {
  it('wants the bearer of a run and gives that run’s claims for the audience asked for', async () => {
    const env = sigstore.githubActionsEnv(
      { event: 'workflow_dispatch' },
      { actor: 'somebody', environment: 'prod' },
    );
    const address = `${env.ACTIONS_ID_TOKEN_REQUEST_URL}&audience=sigstore`;
    expect((await fetch(address)).status).toBe(401);
    const bearer = `Bearer ${env.ACTIONS_ID_TOKEN_REQUEST_TOKEN}`;
    const response = await fetch(address, { headers: { authorization: bearer } });
    const { value } = (await response.json()) as { value: string };
    const claims: unknown = JSON.parse(Buffer.from(value.split('.')[1] ?? '', 'base64url').toString());
    expect(claims).toMatchObject({
      iss: sigstore.issuer,
      aud: 'sigstore',
      event_name: 'workflow_dispatch',
      actor: 'somebody',
      environment: 'prod',
      job_workflow_ref: 'acme/app/.github/workflows/publish.yaml@refs/heads/main',
    });
  });
});
