import { describe, expect, test } from 'vitest';
import { isCredentialPath, isJobToken, isSigningVariable } from '../../../src/repository/credentials.ts';

describe('variables', () => {
  test.each([
    'ACTIONS_ID_TOKEN_REQUEST_TOKEN',
    'ACTIONS_ID_TOKEN_REQUEST_URL',
    'actions_id_token_request_token',
    'ACTIONS_RUNTIME_TOKEN',
    'ACTIONS_RUNTIME_URL',
    'ACTIONS_CACHE_URL',
    'ACTIONS_RESULTS_URL',
    'SIGSTORE_ID_TOKEN',
    'COSIGN_PASSWORD',
    'COSIGN_PKCS11_PIN',
    'COSIGN_PRIVATE_KEY',
    'DOCKER_AUTH_CONFIG',
    'CI_JOB_JWT_V2',
    'CIRCLE_OIDC_TOKEN_V2',
    'CI_REGISTRY_PASSWORD',
    'CI_DEPLOY_PASSWORD',
  ])('%s signs or pushes', (name) => {
    expect(isSigningVariable(name)).toBe(true);
  });

  test.each([
    ['SIGNING_KEY', 'env://SIGNING_KEY'],
    ['signing_key', 'env://SIGNING_KEY'],
    ['AWS_SECRET_ACCESS_KEY', 'awskms:///alias/main'],
    ['GOOGLE_OAUTH_ACCESS_TOKEN', 'gcpkms://projects/x'],
    ['AZURE_CLIENT_SECRET', 'azurekms://vault/key'],
    ['VAULT_TOKEN', 'hashivault://key'],
    ['BAO_TOKEN', 'openbao://key'],
  ])('%s signs where the key is %s', (name, key) => {
    expect(isSigningVariable(name, key)).toBe(true);
    expect(isSigningVariable(name)).toBe(false);
    expect(isSigningVariable(name, '/repo/release.key')).toBe(false);
  });

  test.each([
    'NPM_TOKEN',
    'ACTIONS_DEPLOY_TOKEN',
    'MY_COSIGN_PASSWORD',
    'AWS_SECRET_ACCESS_KEY',
    'PIP_INDEX',
  ])('%s is a secret like another', (name) => {
    expect(isSigningVariable(name)).toBe(false);
    expect(isJobToken(name)).toBe(false);
  });

  test.each([
    'GITHUB_TOKEN',
    'GH_TOKEN',
    'GH_ENTERPRISE_TOKEN',
    'github_token',
    'GITHUB_APP_PRIVATE_KEY',
    'CI_JOB_TOKEN',
  ])('%s is the token of the job', (name) => {
    expect(isJobToken(name)).toBe(true);
    expect(isSigningVariable(name)).toBe(false);
  });
});

describe('paths', () => {
  test.each([
    '/proc/self/environ',
    '/proc/1/environ',
    '/dev/fd/3',
    '/dev/stdin',
    '/sys/kernel/x',
    '//proc//self/./environ',
    '/usr/../proc/self/environ',
    '/var/run/secrets/kubernetes.io/serviceaccount/token',
    '/root/.docker/config.json',
    '/Users/x/.Docker/Config.JSON',
    'C:\\Users\\x\\.docker\\config.json',
    '~/.docker/config.json',
    '~/.docker/contexts/tls/0a1b/docker/key.pem',
    '/home/runner/actions-runner/.credentials_rsaparams',
    '/home/runner/actions-runner/.credentials',
    '/run/user/1000/containers/auth.json',
    '/home/x/.config/containers/auth.json',
    '/home/x/.config/gh/hosts.yml',
    '/home/x/.config/glab-cli/config.yml',
    '/home/x/.config/helm/registry/config.json',
    '~/.vault-token',
    '../.netrc',
    '~/_netrc',
    '/home/x/.git-credentials',
    '/home/x/.config/git/credentials',
    '/runner/_temp/git-credentials-0a1b.config',
    '.git/config',
    'sub/.git/config',
    '/home/x/.ssh/id_ed25519',
    '/home/x/.aws/credentials',
    '/home/x/.azure/msal_token_cache.json',
    '/home/x/.kube/config',
    '/home/x/.config/gcloud/credentials.db',
    '/home/x/.sigstore/root/x',
    'cosign.key',
    'keys/COSIGN.key',
  ])('%s is one of credentials', (path) => {
    expect(isCredentialPath(path)).toBe(true);
  });

  test.each([
    '.npmrc',
    '~/.npmrc',
    '/home/x/.config/pip/pip.conf',
    'secrets/token',
    '/run/secrets/npm',
    'processes/dev/sys',
    'docker/config.json',
    '.gitmodules',
    'proc/self',
    'cosign.key.md',
    'docs/.netrc.example',
    'app.credentials',
  ])('%s is a path like another', (path) => {
    expect(isCredentialPath(path)).toBe(false);
  });
});
