import type { Fault } from '../yaml/fault.ts';
import type { ConfigFile } from './config-document.ts';

/** Hosts of a provider whose credentials are worth nothing to who owns an account there. */
const AZURE = /\.blob\.core\.(?:windows\.net|chinacloudapi\.cn|usgovcloudapi\.net)$/;
const AWS = /^s3(?:-fips)?(?:\.dualstack)?(?:\.[a-z]{2}(?:-[a-z]+)+-\d)?\.amazonaws\.com(?:\.cn)?$/;

/**
 * Options of a cache by which the config would say where a credential of the machine goes, or that it goes without TLS:
 * buildx and BuildKit take the credential from their environment, and the place from the config if that names one.
 */
export function cacheHostFaults(
  cache: NonNullable<NonNullable<ConfigFile['build']>['cache']>,
): readonly Fault[] {
  return Object.entries(cache).flatMap(([tier, { from = [], to = [] }]) =>
    Object.entries({ from, to }).flatMap(([way, specs]) =>
      specs.flatMap((spec, i) => {
        const path = ['build', 'cache', tier, way, i];
        return optionsOf(spec).flatMap(([key, value]): readonly Fault[] => {
          const rule = RULES.get(key);
          if (rule === undefined || rule.allows(value)) return [];
          const message = `\`${key}\` of a cache is not for a file of the repository: ${rule.why}`;
          return [{ path, message, suggestion: rule.fix }];
        });
      }),
    ),
  );
}

interface Rule {
  readonly allows: (value: string) => boolean;
  readonly why: string;
  readonly fix: string;
}

const GHA: Rule = {
  allows: () => false,
  why: 'the token of the job would go where it says',
  fix: 'Leave it out: GitHub Actions says it to buildx.',
};

const RULES = new Map<string, Rule>([
  ['url', GHA],
  ['url_v2', GHA],
  ['token', GHA],
  [
    'registry.insecure',
    {
      allows: (value) => value === 'false',
      why: 'the credentials of the registry would be sent without TLS',
      fix: 'Set it where BuildKit is configured: [registry."HOST"] in buildkitd.toml.',
    },
  ],
  [
    'account_url',
    {
      allows: (value) => isAt(value, AZURE),
      why: 'the credentials of Azure would go where it says',
      fix: 'Name an account of Azure, or set BUILDKIT_AZURE_STORAGE_ACCOUNT_URL where BuildKit runs.',
    },
  ],
  [
    'endpoint_url',
    {
      allows: (value) => isAt(value, AWS),
      why: 'requests with the session of AWS would go where it says',
      fix: 'Set AWS_ENDPOINT_URL_S3 where BuildKit runs.',
    },
  ],
]);

function isAt(address: string, hosts: RegExp): boolean {
  const url = URL.parse(address);
  return url?.protocol === 'https:' && hosts.test(url.hostname);
}

/** As buildx reads them: fields of a line of CSV, keys in any case. */
function optionsOf(spec: string): readonly (readonly [string, string])[] {
  return spec
    .replaceAll('"', '')
    .split(',')
    .map((field) => {
      const [key = '', ...value] = field.split('=');
      return [key.trim().toLowerCase(), value.join('=').trim()] as const;
    });
}
