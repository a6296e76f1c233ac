import { PrimitiveError } from '../core/errors.ts';
import { field } from '../core/object.ts';
import { isLoopbackHost } from '../http/loopback.ts';

/** The Fulcio that a token of the audience `sigstore` is for. */
const PUBLIC_FULCIO = 'https://fulcio.sigstore.dev';
/** Keys of a SigningConfig v0.2 (sigstore_trustroot.proto) in the form that cosign writes. */
const KEYS = ['mediaType', 'caUrls', 'oidcUrls', 'rekorTlogUrls', 'rekorTlogConfig', 'tsaUrls', 'tsaConfig'];

/**
 * The text of a signing config, rewritten from what was checked, for keyless signing. Who gets the OIDC token of a
 * run can sign as that run, at the public Sigstore too; so it goes to the public Fulcio, to loopback, or to the one that
 * the environment names (`fulcio`: COSIGN_FULCIO_URL), and to no other one that a file of a checkout names.
 *
 * Throws `signing-config-invalid`, `signing-service-unknown` (exit 2).
 */
export function checkSigningConfig(text: string, shown: string, fulcio: string | undefined): string {
  const config = parse(text, shown);
  const services: unknown = config.caUrls ?? [];
  if (!Array.isArray(services)) throw invalid(shown, '`caUrls` is not a list');
  const allowed = [PUBLIC_FULCIO, fulcio === undefined ? undefined : addressOf(fulcio)];
  const caUrls = services.map((service: unknown) => {
    const url = field(service, 'url');
    const address = typeof url === 'string' ? addressOf(url) : undefined;
    if (address === undefined)
      throw invalid(shown, `\`caUrls\` has ${JSON.stringify(url)}, which is not a URL`);
    if (allowed.includes(address) || isLoopbackHost(new URL(address).host))
      return { ...(service as object), url: address };
    throw new PrimitiveError('signing-service-unknown', `Cannot sign with ${address}.`, {
      why: `${shown} sets it. The service would receive the OIDC token of this run and could sign as this run, so a file of the repository cannot choose it.`,
      suggestions: [
        `If it is your Fulcio, set it in the environment of the job: COSIGN_FULCIO_URL=${address}`,
        'For the public Sigstore, remove `signing.signingConfig` and `signing.trustedRoot`.',
      ],
    });
  });
  return JSON.stringify({ ...config, caUrls });
}

function parse(text: string, shown: string): Readonly<Record<string, unknown>> {
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch (cause) {
    throw invalid(shown, 'it is not JSON', cause);
  }
  if (typeof config !== 'object' || config === null || Array.isArray(config))
    throw invalid(shown, 'it is not an object');
  // Such as `ca_urls`, which cosign takes as well.
  const unknown = Object.keys(config).find((key) => !KEYS.includes(key));
  if (unknown !== undefined)
    throw invalid(shown, `${JSON.stringify(unknown)} is not one of ${KEYS.join(', ')}`);
  return config as Readonly<Record<string, unknown>>;
}

/** In one form, as cosign gets it; undefined for what is no address of a service. */
function addressOf(text: string): string | undefined {
  const url = URL.parse(text);
  const isPlain = url?.username === '' && url.password === '' && url.search === '' && url.hash === '';
  return isPlain && /^https?:$/.test(url.protocol) ? url.href.replace(/(?<!\/)\/+$/, '') : undefined;
}

function invalid(shown: string, why: string, cause?: unknown): PrimitiveError {
  return new PrimitiveError('signing-config-invalid', `Cannot use the signing config ${shown}.`, {
    why: `${why[0]?.toUpperCase()}${why.slice(1)}.`,
    suggestions: ['Create it again: cosign signing-config create --out FILE'],
    cause,
  });
}
