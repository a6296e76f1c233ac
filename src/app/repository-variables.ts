import { withoutCredentials } from '../core/credentials.ts';
import type { Variables } from '../core/variables.ts';
import { isSecretName, secretsOf } from './secrets.ts';

/** Names in any case: Windows and npm write them so. Credentials have other names than these. */
const KEPT = [
  // Who and where: the same for every program of a user.
  /^(HOME|USER|LOGNAME|SHELL|TERM|TZ|CI|NO_COLOR|FORCE_COLOR|TMPDIR|TMP|TEMP|LANG|LANGUAGE|LC_\w+|XDG_\w+)$/i,
  /^(SystemRoot|windir|ComSpec|PATHEXT|USERPROFILE|APPDATA|LOCALAPPDATA|ProgramData|ProgramFiles(\(x86\))?)$/i,
  // Certificate authorities.
  /^(SSL_CERT_FILE|SSL_CERT_DIR|NODE_EXTRA_CA_CERTS|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|PIP_CERT)$/i,
  // Toolchains and package managers: where they fetch from, keep their files and find compilers. What would add flags to a
  // runner, load code into it or choose among tests is not here: GOFLAGS, NODE_OPTIONS, PYTHONPATH, PYTEST_ADDOPTS.
  /^GO(PATH|ROOT|CACHE|MODCACHE|TMPDIR|PROXY|NOPROXY|SUMDB|NOSUMDB|PRIVATE|INSECURE|TOOLCHAIN|MAXPROCS|GC)$/i,
  /^(CGO_\w+|CC|CXX|C(PP|XX)?FLAGS|LDFLAGS|PKG_CONFIG_PATH|LD_LIBRARY_PATH|DYLD_LIBRARY_PATH|SDKROOT)$/i,
  /^(NODE_COMPILE_CACHE|BUF_CACHE_DIR)$/i,
  /^npm_config_(registry|@[\w.-]+:registry|cache|userconfig|globalconfig|cafile|proxy|https[_-]proxy|noproxy|offline|prefer[_-]offline)$/i,
  /^PIP_(INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|NO_INDEX|CACHE_DIR|CONFIG_FILE|TRUSTED_HOST)$/i,
  /^UV_(INDEX|INDEX_URL|EXTRA_INDEX_URL|DEFAULT_INDEX|FIND_LINKS|CACHE_DIR|CONFIG_FILE|PYTHON|PYTHON_\w+|OFFLINE|NATIVE_TLS|LINK_MODE)$/i,
];

/** As they are, with passwords in them: without its proxy a machine reaches nothing, and TEST_… is meant for suites. */
const WHOLE = /^((HTTP|HTTPS|ALL|NO)_PROXY|TEST_\w+)$/i;

/**
 * The variables for programs that the repository decides about: its test suites, and plugins of its generators. None of
 * them is a credential by its name; an address loses its user and password, and what still holds a secret is left out.
 */
export function repositoryVariables(variables: Variables): Variables {
  const kept = Object.entries(variables).flatMap(([name, value = '']): [string, string][] => {
    if (WHOLE.test(name)) return [[name, value]];
    if (!KEPT.some((pattern) => pattern.test(name))) return [];
    const bare = value.replace(/\/\/[^/@\s]*@/g, '//');
    return secretsOf({ [name]: bare }).length === 0 ? [[name, bare]] : [];
  });
  return Object.fromEntries(kept);
}

/** What is used as a credential under another name: an agent, headers of git, logins of npm, and files that steer a job. */
const AS_CREDENTIALS =
  /^(?:SSH_AUTH_SOCK$|GIT_CONFIG_|npm_config_.*_auth|GITHUB_(?:ENV|PATH|OUTPUT|STATE|STEP_SUMMARY)$)/i;

/** The variables that a kind may name for a suite: none that is a credential by its name or holds one. */
export function grantableVariables(variables: Variables): Variables {
  const kept = Object.entries(withoutCredentials(variables)).filter(
    ([name, value]) =>
      !isSecretName(name) && !AS_CREDENTIALS.test(name) && secretsOf({ [name]: value }).length === 0,
  );
  return Object.fromEntries(kept);
}
