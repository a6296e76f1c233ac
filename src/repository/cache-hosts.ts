/** Hosts of a provider whose credentials are worth nothing to who owns an account there. */
const AZURE = /\.blob\.core\.(?:windows\.net|chinacloudapi\.cn|usgovcloudapi\.net)$/;
const AWS = /^s3(?:-fips)?(?:\.dualstack)?(?:\.[a-z]{2}(?:-[a-z]+)+-\d)?\.amazonaws\.com(?:\.cn)?$/;

/**
 * Faults of cache options by which the config would direct a credential of the machine, or that
 * it goes without TLS: buildx and BuildKit take the credential from their environment, and the place from the config if
 * that names one. Undefined if nothing is.
 */
export function cacheHostFault(
  options: ReadonlyMap<string, string>,
): { readonly message: string; readonly suggestion: string } | undefined {
  for (const [key, { allows, why, fix }] of RULES) {
    const value = options.get(key);
    if (value === undefined || allows(value)) continue;
    return {
      message: `\`${key}\` of a cache cannot be set in a file of the repository: ${why}`,
      suggestion: fix,
    };
  }
  return undefined;
}

interface Rule {
  readonly allows: (value: string) => boolean;
  readonly why: string;
  readonly fix: string;
}

const RULES = new Map<string, Rule>([
  [
    'registry.insecure',
    {
      allows: (value) => value === 'false',
      why: 'the credentials of the registry would be sent without TLS',
      fix: 'Set it in the configuration of BuildKit: [registry."HOST"] in buildkitd.toml.',
    },
  ],
  [
    'account_url',
    {
      allows: (value) => isAt(value, AZURE),
      why: 'it would direct the credentials of Azure',
      fix: 'Name an account of Azure, or set BUILDKIT_AZURE_STORAGE_ACCOUNT_URL in the environment of BuildKit.',
    },
  ],
  [
    'endpoint_url',
    {
      allows: (value) => isAt(value, AWS),
      why: 'it would direct requests with the session of AWS',
      fix: 'Set AWS_ENDPOINT_URL_S3 in the environment of BuildKit.',
    },
  ],
]);

function isAt(address: string, hosts: RegExp): boolean {
  const url = URL.parse(address);
  return url?.protocol === 'https:' && hosts.test(url.hostname);
}
