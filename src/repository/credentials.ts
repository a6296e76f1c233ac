import { posix } from 'node:path';

/** Variables that hold what a job signs, pushes or proves itself with. */
const SIGNING_VARIABLES = [
  /^ACTIONS_(ID_TOKEN_REQUEST|RUNTIME|CACHE|RESULTS)_/,
  /^(SIGSTORE|COSIGN)_/,
  /^DOCKER_AUTH_CONFIG$/,
  // Of GitLab, for its registry.
  /^CI_(REGISTRY|DEPLOY|DEPENDENCY_PROXY)_PASSWORD$/,
  // Identity tokens of other CI servers.
  /^(CI_JOB_JWT|CIRCLE_OIDC_TOKEN|BITBUCKET_STEP_OIDC_TOKEN|BUILDKITE_AGENT_ACCESS_TOKEN|SYSTEM_ACCESSTOKEN)/,
];

/** By the scheme of a KMS URI, the variables that cosign reaches it with. */
const KMS_VARIABLES: Readonly<Record<string, RegExp>> = {
  awskms: /^AWS_/,
  gcpkms: /^(GOOGLE|CLOUDSDK)_/,
  azurekms: /^AZURE_/,
  hashivault: /^VAULT_/,
  openbao: /^(BAO|VAULT)_/,
};

const JOB_TOKENS =
  /^(GITHUB_TOKEN|GH_TOKEN|GITHUB_ENTERPRISE_TOKEN|GH_ENTERPRISE_TOKEN|GITHUB_APP_PRIVATE_KEY|CI_JOB_TOKEN)$/;

/** Paths of credentials of programs, in any home, lower case with slashes. */
const CREDENTIAL_PATHS = [
  /^\/(proc|dev|sys)(\/|$)/,
  /^\/(var\/)?run\/secrets\/(kubernetes\.io|eks\.amazonaws\.com|azure)\//,
  /(^|\/)\.dockercfg$/,
  /(^|\/)containers\/auth\.json$/,
  /(^|\/)helm\/registry(\/config)?\.json$/,
  /(^|\/)gh\/hosts\.ya?ml$/,
  /(^|\/)glab-cli\/config\.ya?ml$/,
  /(^|\/)\.(vault|bao)-token$/,
  /(^|\/)[._]netrc$/,
  /(^|\/)\.git-credentials$/,
  /(^|\/)git\/credentials$/,
  // actions/checkout keeps the token of the job there.
  /(^|\/)git-credentials-[^/]*$/,
  /(^|\/)\.git\//,
  // Of a runner of one's own: whoever has them gets its jobs.
  /(^|\/)\.credentials(_rsaparams|_migrated)?$/,
  // Docker's has keys to engines and BuildKits too.
  /(^|\/)\.(docker|ssh|aws|azure|kube|gnupg|sigstore)\//,
  /(^|\/)gcloud\//,
  /(^|\/)cosign\.key$/,
];

/** Whether a variable holds what a job signs or pushes with; `signingKey` is `signing.signer.key` if there is one. */
export function isSigningVariable(name: string, signingKey?: string): boolean {
  const upper = name.toUpperCase();
  const [, scheme = '', rest] = /^([a-z0-9]+):(.*)$/s.exec(signingKey ?? '') ?? [];
  return (
    SIGNING_VARIABLES.some((pattern) => pattern.test(upper)) ||
    (scheme === 'env' && rest?.toUpperCase() === `//${upper}`) ||
    KMS_VARIABLES[scheme]?.test(upper) === true
  );
}

/** Whether a variable holds the token of the job, which may write more than a build has to. */
export function isJobToken(name: string): boolean {
  return JOB_TOKENS.test(name.toUpperCase());
}

/** Whether a path, as it is written, is one where programs keep credentials, or one of the system's own. */
export function isCredentialPath(path: string): boolean {
  const normal = posix.normalize(path.replaceAll('\\', '/')).toLowerCase();
  return CREDENTIAL_PATHS.some((pattern) => pattern.test(normal));
}
