import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { tool } from '../../tools/locate.ts';
import type { Claims, WorkflowRun } from './github-claims.ts';
import { type OidcIssuer, startOidcIssuer } from './oidc-issuer.ts';
import { freePorts } from './ports.ts';
import { run } from './run.ts';
import {
  answers,
  inFolder,
  type Program,
  removeFolder,
  type Service,
  startProgram,
  stopper,
  untilReady,
} from './service.ts';

/** A private Sigstore on loopback: OIDC issuer, Fulcio and a timestamp authority, no transparency log. */
export interface Sigstore extends Service {
  /** The OIDC issuer, as it stands in certificates. */
  readonly issuer: string;
  readonly fulcioUrl: string;
  readonly timestampUrl: string;
  /** File for `cosign sign --signing-config`. */
  readonly signingConfig: string;
  /** File for `--trusted-root` when signing and verifying. */
  readonly trustedRoot: string;
  /** PEM files of the two authorities, for programs that do not read a trusted root. */
  readonly fulcioRootFile: string;
  readonly timestampChainFile: string;
  readonly oidc: OidcIssuer;
  /** An ID token for Fulcio; by default of a push on main of acme/app by publish.yaml. */
  token(claims?: Claims): string;
  /** Environment as in a step of GitHub Actions, ID token address included. */
  githubActionsEnv(run?: WorkflowRun, claims?: Claims): Record<string, string>;
  /** `SIGSTORE_ID_TOKEN` for cosign, and nothing that reaches out to the public good instance. */
  signingEnv(claims?: Claims): Record<string, string>;
}

export interface SigstoreOptions {
  /** Trust this issuer instead of one of its own (then whoever started it stops it). */
  readonly oidc?: OidcIssuer;
}

/** Starts all three; each call makes an unrelated instance with keys of its own. */
export function startSigstore(options: SigstoreOptions = {}): Promise<Sigstore> {
  return inFolder('sigstore', async (folder) => {
    const oidc = options.oidc ?? (await startOidcIssuer());
    const programs: Program[] = [];
    const stopServers = [
      () => Promise.all(programs.map((program) => program.stop())),
      () => (options.oidc ? undefined : oidc.stop()),
    ];
    try {
      const files = await start(folder, oidc, programs);
      const stop = stopper(...stopServers, () => removeFolder(folder));
      return {
        ...files,
        issuer: oidc.url,
        oidc,
        token: (claims) => oidc.token(claims),
        githubActionsEnv: (workflowRun, claims) => oidc.githubActionsEnv(workflowRun, claims),
        signingEnv: (claims) => ({ SIGSTORE_ID_TOKEN: oidc.token(claims) }),
        stop,
        [Symbol.asyncDispose]: stop,
      };
    } catch (error) {
      await stopper(...stopServers)();
      throw error;
    }
  });
}

type SigstoreFiles = Pick<
  Sigstore,
  'fulcioUrl' | 'timestampUrl' | 'signingConfig' | 'trustedRoot' | 'fulcioRootFile' | 'timestampChainFile'
>;

async function start(folder: string, oidc: OidcIssuer, programs: Program[]): Promise<SigstoreFiles> {
  const [http = 0, grpc = 0, metrics = 0, timestamps = 0] = await freePorts(4);
  const fulcioUrl = `http://127.0.0.1:${http}`;
  const timestampHost = `http://127.0.0.1:${timestamps}`;
  const timestampUrl = `${timestampHost}/api/v1/timestamp`;
  const configFile = join(folder, 'fulcio.yaml');
  // Real YAML: Fulcio takes JSON for its older format with other names.
  await writeFile(configFile, stringify(fulcioConfig(oidc.url)));
  const fulcio = startProgram(
    tool('fulcio'),
    [
      'serve',
      '--ca=ephemeralca',
      '--ct-log-url=',
      `--config-path=${configFile}`,
      '--host=127.0.0.1',
      `--port=${http}`,
      '--grpc-host=127.0.0.1',
      `--grpc-port=${grpc}`,
      `--metrics-port=${metrics}`,
      // Its default is one name for the whole machine, so two instances would clash.
      `--legacy-unix-domain-socket=${join(folder, 'fulcio.sock')}`,
    ],
    { folder },
  );
  programs.push(fulcio);
  const authority = startProgram(tool('timestamp-server'), [`--port=${timestamps}`], { folder });
  programs.push(authority);
  const fulcioRoot = `${fulcioUrl}/api/v1/rootCert`;
  const timestampChain = `${timestampHost}/api/v1/timestamp/certchain`;
  await untilReady(fulcio, () => answers(fulcioRoot));
  await untilReady(authority, () => answers(timestampChain));
  const fulcioRootFile = await download(fulcioRoot, join(folder, 'fulcio.pem'));
  const timestampChainFile = await download(timestampChain, join(folder, 'timestamp.pem'));
  const clients = await writeClientFiles(folder, {
    fulcioUrl,
    fulcioRootFile,
    issuer: oidc.url,
    timestampUrl,
    timestampChainFile,
  });
  return { fulcioUrl, timestampUrl, ...clients, fulcioRootFile, timestampChainFile };
}

/** Where the services of a private Sigstore are, and the PEM files of its authorities. */
interface SigstoreServices {
  readonly fulcioUrl: string;
  readonly fulcioRootFile: string;
  readonly issuer: string;
  readonly timestampUrl: string;
  readonly timestampChainFile: string;
}

/** Writes the two files that a client of a private Sigstore needs, as cosign makes them. */
async function writeClientFiles(
  folder: string,
  { fulcioUrl, fulcioRootFile, issuer, timestampUrl, timestampChainFile }: SigstoreServices,
): Promise<{ signingConfig: string; trustedRoot: string }> {
  const signingConfig = join(folder, 'signing-config.json');
  const trustedRoot = join(folder, 'trusted-root.json');
  const since = 'start-time=2020-01-01T00:00:00Z';
  const service = (url: string) => `url=${url},api-version=1,${since},operator=primitive-tests`;
  await run(tool('cosign'), [
    'signing-config',
    'create',
    `--fulcio=${service(fulcioUrl)}`,
    `--oidc-provider=${service(issuer)}`,
    `--tsa=${service(timestampUrl)}`,
    '--tsa-config=EXACT:1',
    `--out=${signingConfig}`,
  ]);
  await run(tool('cosign'), [
    'trusted-root',
    'create',
    `--fulcio=url=${fulcioUrl},certificate-chain=${fulcioRootFile},${since}`,
    `--tsa=url=${timestampUrl},certificate-chain=${timestampChainFile},${since}`,
    `--out=${trustedRoot}`,
  ]);
  return { signingConfig, trustedRoot };
}

async function download(url: string, file: string): Promise<string> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  await writeFile(file, await response.text());
  return file;
}

/** Which claim goes into which certificate extension, as the public instance does for GitHub. */
function fulcioConfig(issuer: string): object {
  return {
    'oidc-issuers': {
      [issuer]: {
        'issuer-url': issuer,
        'client-id': 'sigstore',
        type: 'ci-provider',
        'ci-provider': 'github-workflow',
      },
    },
    'ci-issuer-metadata': {
      'github-workflow': {
        'default-template-values': { url: 'https://github.com' },
        'subject-alternative-name-template': '{{ .url }}/{{ .job_workflow_ref }}',
        'extension-templates': {
          'github-workflow-trigger': 'event_name',
          'github-workflow-sha': 'sha',
          'github-workflow-name': 'workflow',
          'github-workflow-repository': 'repository',
          'github-workflow-ref': 'ref',
          'build-signer-uri': '{{ .url }}/{{ .job_workflow_ref }}',
          'build-signer-digest': 'job_workflow_sha',
          'runner-environment': 'runner_environment',
          'source-repository-uri': '{{ .url }}/{{ .repository }}',
          'source-repository-digest': 'sha',
          'source-repository-ref': 'ref',
          'source-repository-identifier': 'repository_id',
          'source-repository-owner-uri': '{{ .url }}/{{ .repository_owner }}',
          'source-repository-owner-identifier': 'repository_owner_id',
          'build-config-uri': '{{ .url }}/{{ .workflow_ref }}',
          'build-config-digest': 'workflow_sha',
          'build-trigger': 'event_name',
          'run-invocation-uri':
            '{{ .url }}/{{ .repository }}/actions/runs/{{ .run_id }}/attempts/{{ .run_attempt }}',
          'source-repository-visibility-at-signing': 'repository_visibility',
        },
      },
    },
  };
}
