import { delimiter, join } from 'node:path';
import type { Environment } from './environment.ts';

/** Variables that name one file or folder of credentials, or several as PATH does. */
const NAMED_BY = [
  'REGISTRY_AUTH_FILE',
  'HELM_REGISTRY_CONFIG',
  'KUBECONFIG',
  'NETRC',
  'GNUPGHOME',
  'GH_CONFIG_DIR',
  'AWS_SHARED_CREDENTIALS_FILE',
  'AWS_CONFIG_FILE',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'GOOGLE_APPLICATION_CREDENTIALS',
  'CLOUDSDK_CONFIG',
  'AZURE_CONFIG_DIR',
  'AZURE_FEDERATED_TOKEN_FILE',
];
/** Below a home. */
const KEPT = [
  '.docker',
  '.netrc',
  '.git-credentials',
  '.ssh',
  '.aws',
  '.azure',
  '.kube',
  '.gnupg',
  '.sigstore',
  '.vault-token',
];
/** Below a folder for configuration. */
const CONFIGURED = ['containers/auth.json', 'helm/registry', 'gh', 'glab-cli', 'git/credentials', 'gcloud'];

/** Files and folders in which programs of this user keep credentials, whether they exist or not. */
export function credentialFilesOf({
  variables,
  home,
}: Pick<Environment, 'variables' | 'home'>): readonly string[] {
  const { DOCKER_CONFIG, XDG_RUNTIME_DIR, XDG_CONFIG_HOME } = variables;
  const configured = [join(home, '.config'), ...(XDG_CONFIG_HOME ? [XDG_CONFIG_HOME] : [])];
  return [
    ...NAMED_BY.flatMap((name) => variables[name]?.split(delimiter) ?? []).filter((path) => path !== ''),
    ...KEPT.map((path) => join(home, path)),
    ...configured.flatMap((folder) => CONFIGURED.map((path) => join(folder, path))),
    ...(DOCKER_CONFIG ? [join(DOCKER_CONFIG, 'config.json')] : []),
    ...(XDG_RUNTIME_DIR ? [join(XDG_RUNTIME_DIR, 'containers/auth.json')] : []),
  ];
}
