import { expect, test } from 'vitest';
import { grantableVariables, repositoryVariables } from '../../../src/app/repository-variables.ts';

const credentials = {
  ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'a',
  ACTIONS_ID_TOKEN_REQUEST_URL: 'https://actions.example',
  ACTIONS_RUNTIME_TOKEN: 'a',
  AWS_SECRET_ACCESS_KEY: 'a',
  AZURE_CLIENT_SECRET: 'a',
  BUF_TOKEN: 'a',
  COSIGN_PASSWORD: 'y',
  COSIGN_PKCS11_PIN: '1234',
  DATABASE_URL: 'postgres://u:p@h/d',
  DOCKER_AUTH_CONFIG: '{}',
  GH_TOKEN: 'a',
  GITHUB_ENV: '/runner/env',
  GITHUB_TOKEN: 'a',
  GIT_CONFIG_VALUE_0: 'AUTHORIZATION: basic a',
  GOOGLE_APPLICATION_CREDENTIALS: '/key.json',
  KUBECONFIG: '/k',
  NODE_AUTH_TOKEN: 'a',
  NPM_TOKEN: 'a',
  PIP_PASSWORD: 'a',
  REGISTRY_AUTH_FILE: '/auth.json',
  SIGSTORE_ID_TOKEN: 'a',
  SSH_AUTH_SOCK: '/agent',
  UV_INDEX_ACME_PASSWORD: 'a',
  UV_PUBLISH_TOKEN: 'a',
  VAULT_TOKEN: 'a',
  'npm_config_//registry.acme.example/:_authToken': 'a',
  npm_config__auth: 'a',
  npm_config__authToken: 'a',
};

test('what the repository decides about gets no credential', () => {
  expect(repositoryVariables(credentials)).toEqual({});
});

test('a kind gives a suite no credential, but the path of a file with one', () => {
  const more = {
    GH_PAT: 'abcdefgh',
    GITHUB_PATH: '/runner/path',
    MYSQL_PWD: 'a',
    PGPASSWORD: 'a',
    SSHPASS: 'a',
  };
  const { KUBECONFIG, REGISTRY_AUTH_FILE, ...others } = { ...credentials, ...more };
  expect(grantableVariables(others)).toEqual({});
  const granted = { APP_REGION: 'eu', KUBECONFIG, REGISTRY_AUTH_FILE, PATTERN: 'x' };
  expect(grantableVariables(granted)).toEqual(granted);
});

test('it gets what toolchains need, addresses without passwords, and what is meant for tests', () => {
  const kept = {
    HOME: '/home/me',
    LC_ALL: 'C',
    CI: 'true',
    GOPROXY: 'https://go.acme.example,direct',
    HTTPS_PROXY: 'http://me:secret@proxy.acme.example:3128',
    no_proxy: 'localhost',
    npm_config_registry: 'https://npm.acme.example',
    'npm_config_@acme:registry': 'https://npm.acme.example',
    SSL_CERT_FILE: '/ca.pem',
    TEST_POSTGRES_URL: 'postgres://u:p@h/d',
    TMPDIR: '/tmp',
  };
  const passwords = {
    PIP_INDEX_URL: 'https://me:secret@pypi.acme.example/simple',
    UV_INDEX_URL: 'https://token@pypi.acme.example/simple',
  };
  expect(repositoryVariables({ ...kept, ...passwords })).toEqual({
    ...kept,
    PIP_INDEX_URL: 'https://pypi.acme.example/simple',
    UV_INDEX_URL: 'https://pypi.acme.example/simple',
  });
});

test('nothing that would change what a runner does reaches it', () => {
  const names = `BASH_ENV ENV GOENV GOFLAGS GODEBUG GOEXPERIMENT GOOS GOARCH GOWORK JEST_CONFIG NODE_ENV NODE_OPTIONS NODE_PATH
    NODE_TEST_CONTEXT PYTEST_ADDOPTS PYTEST_PLUGINS PYTHONHOME PYTHONOPTIMIZE PYTHONPATH PYTHONSTARTUP PYTHONWARNINGS
    RUFF_CONFIG TS_NODE_PROJECT VITEST_MODE`;
  const variables = Object.fromEntries(names.split(/\s+/).map((name) => [name, 'x']));
  expect(repositoryVariables(variables)).toEqual({});
});
