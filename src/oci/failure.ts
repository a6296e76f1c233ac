import { type CodeAfter, PrimitiveError } from '../core/errors.ts';
import { mask } from '../core/mask.ts';
import { optional } from '../core/object.ts';
import { AttemptFailure, type RetryAdvice, requestedDelay } from '../http/retry.ts';
import type { HttpResponse, RequestError, RequestErrorKind } from '../http/send.ts';

/** The purpose of a request, for error messages; never a query, which may have a signature. */
export interface Subject {
  readonly host: string;
  /** Base URL of its API: `https://registry-1.docker.io`. */
  readonly origin: string;
  /** Path inside the host; absent for a token. */
  readonly repository?: string;
  readonly method: string;
  /** `the manifest main`, `a blob`, `a token`. */
  readonly what: string;
  /** Whether it needs the right to push. */
  readonly pushes: boolean;
  /** Source of the credentials in use; undefined without any. */
  readonly credentialSource?: string;
  /** Secrets of the request, which a server may repeat and a message must not. */
  readonly secrets?: readonly string[];
}

/** The first error of a response body (distribution-spec, "Error Codes"), safe to print. */
export interface ErrorBody {
  readonly code: string;
  readonly message: string;
  /** The whole body as text, at most 16 KiB, not cleaned: only to search in. */
  readonly text: string;
}

const ABSENT = new Set(['NAME_UNKNOWN', 'MANIFEST_UNKNOWN', 'REPOSITORY_NOT_FOUND', 'NOT_FOUND']);
const UNKNOWN_BLOB = new Set(['MANIFEST_BLOB_UNKNOWN', 'BLOB_UNKNOWN']);
/** The registry lost the upload session, or bytes changed on the way: the upload is started again a few times. */
const TRANSIENT_UPLOAD = new Set([
  'BLOB_UPLOAD_UNKNOWN',
  'BLOB_UPLOAD_INVALID',
  'DIGEST_INVALID',
  'SIZE_INVALID',
]);
/** Milliseconds; GitHub's documentation asks for at least a minute after a secondary limit. */
const SECONDARY_LIMIT_DELAY = 60_000;
/** Milliseconds: enough for an eventually consistent store, short enough for what is really missing. */
const CONSISTENCY_WINDOW = 20_000;

/** Reads the error out of a response body, without the secrets; empty texts if it has none. */
export function readErrorBody(response: HttpResponse, secrets: readonly string[] = []): ErrorBody {
  const shown = (value: unknown, limit: number) =>
    typeof value === 'string' ? printable(mask(value, secrets), limit) : '';
  const text = new TextDecoder().decode(response.body.subarray(0, 16_384));
  try {
    const parsed = JSON.parse(text) as {
      errors?: readonly Partial<ErrorBody>[];
    } & Partial<ErrorBody>;
    const first = Array.isArray(parsed.errors) ? parsed.errors[0] : parsed;
    return { code: shown(first?.code, 64), message: shown(first?.message, 300), text };
  } catch {
    return { code: '', message: shown(text.startsWith('<') ? '' : text, 300), text };
  }
}

/** Makes untrusted text safe to print: control and direction characters become spaces, the length is limited. */
export function printable(value: unknown, limit: number): string {
  if (typeof value !== 'string') return '';
  const clean = value
    .slice(0, limit * 4)
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim();
  return clean.length <= limit ? clean : `${clean.slice(0, limit - 1)}…`;
}

/** Whether a response says that the thing asked for is not there: 404, or a 403 that names it unknown. */
export function isAbsent(response: HttpResponse): boolean {
  if (response.status === 404) return true;
  return response.status === 403 && ABSENT.has(readErrorBody(response).code.toUpperCase());
}

/** An unexpected response as an error, with the advice whether to retry. `date`: now, in milliseconds since 1970. */
export function responseFailure(response: HttpResponse, subject: Subject, date: number): AttemptFailure {
  const answer = readErrorBody(response, subject.secrets);
  const { status } = response;
  const delay = requestedDelay(response.headers['retry-after'], answer.text, date);
  const why = describe(status, answer);
  if (status === 401) {
    return isInsufficientScope(response, subject) ? denied(subject, why, answer) : unauthorized(subject, why);
  }
  if (status === 403 && isSecondaryLimit(answer)) {
    return rateLimited(subject, why, Math.max(delay ?? 0, SECONDARY_LIMIT_DELAY), 'secondary rate limit');
  }
  if (status === 403) return denied(subject, why, answer);
  if (status === 429) return rateLimited(subject, why, delay, '429');
  if (status === 408 || status >= 500) {
    return new AttemptFailure(
      error('registry-failed', `${subject.host} failed to answer ${phrase(subject)}`, why, {
        suggestions: ['Try again later. If it persists, check the status page or the log of the registry.'],
        retryable: true,
      }),
      { reason: String(status), ...optional('after', delay) },
    );
  }
  if (status === 413) return new AttemptFailure(tooLarge(subject, why));
  const unknownBlob =
    UNKNOWN_BLOB.has(answer.code.toUpperCase()) || /blob unknown|unknown blob/i.test(answer.message);
  if (unknownBlob || (subject.pushes && answer.code.toUpperCase() === 'MANIFEST_UNKNOWN')) {
    return new AttemptFailure(missing(subject, why), {
      reason: 'not visible yet',
      within: CONSISTENCY_WINDOW,
    });
  }
  if (TRANSIENT_UPLOAD.has(answer.code.toUpperCase())) {
    return new AttemptFailure(missing(subject, why), { reason: 'upload lost', attempts: 3 });
  }
  if (status === 404) return new AttemptFailure(missing(subject, why));
  return new AttemptFailure(
    error('registry-failed', `${subject.host} refused ${phrase(subject)}`, why, {
      suggestions: [checkRegistry(subject)],
    }),
  );
}

/** An answer that no registry gives, such as a page of a proxy. `why` says what is wrong with it. */
export function unusableResponse(subject: Subject, why: string, cause?: unknown): AttemptFailure {
  return new AttemptFailure(
    error('registry-failed', `${subject.host} sent an invalid response to ${phrase(subject)}`, why, {
      suggestions: [checkRegistry(subject)],
      cause,
    }),
  );
}

function checkRegistry({ host }: Subject): string {
  return `Check that ${host} is an OCI registry and takes this kind of artifact`;
}

/** A request without a response as an error. `answered`: whether the host has answered any request before. */
export function requestFailure(failure: RequestError, subject: Subject, answered: boolean): AttemptFailure {
  const { host } = subject;
  const other = failure.host === undefined || failure.host === host ? '' : `${failure.host}: `;
  const why = `${other}${failure.message}; ${subject.method} ${subject.what}`;
  switch (failure.kind) {
    case 'certificate':
      return new AttemptFailure(
        error('registry-certificate', `The certificate of ${host} is not trusted`, why, {
          suggestions: [
            'Set SSL_CERT_FILE or NODE_EXTRA_CA_CERTS to the PEM file of the authority.',
            `Check with: openssl s_client -connect ${host.includes(':') ? host : `${host}:443`} -showcerts`,
          ],
          cause: failure,
        }),
      );
    case 'protocol':
      return new AttemptFailure(
        error('registry-unreachable', `Cannot connect to ${host} over TLS`, why, {
          suggestions: [`If it serves plain HTTP: insecureRegistries: [${host}] in primitive.config.yaml`],
          cause: failure,
        }),
      );
    case 'proxy':
      return new AttemptFailure(
        error('registry-unreachable', `The proxy refuses to connect to ${host}`, why, {
          suggestions: [
            'Check HTTPS_PROXY; for a proxy with a login: http://USER:PASSWORD@HOST:PORT',
            `Or connect without it: NO_PROXY=${host}`,
          ],
          cause: failure,
        }),
      );
    case 'redirect':
    case 'too-large':
      return unusableResponse(subject, why, failure);
    default:
      return new AttemptFailure(
        error('registry-unreachable', `Cannot reach ${host}`, why, {
          suggestions: [
            `Check the host name and the registry: curl -sI ${subject.origin}/v2/`,
            'Behind a proxy, set HTTPS_PROXY and NO_PROXY',
          ],
          retryable: true,
          cause: failure,
        }),
        { reason: `${other}${failure.message}`, ...(answered ? {} : NEVER_ANSWERED[failure.kind]) },
      );
  }
}

/** A host that never answered is more likely wrong than busy, a name without an address almost certainly. */
const NEVER_ANSWERED: Partial<Record<RequestErrorKind, Pick<RetryAdvice, 'attempts' | 'within'>>> = {
  'unknown-host': { attempts: 3 },
  unreachable: { within: 10_000 },
};

/** Content that does not match its digest; read once more, because a proxy or a disk may be at fault. */
export function mismatch(subject: Subject, why: string): AttemptFailure {
  return new AttemptFailure(
    error(
      'registry-digest-mismatch',
      `Content from ${subject.host} does not match its digest: ${phrase(subject)}`,
      why,
      {
        suggestions: ['Do not use this content: a cache, a proxy or the registry changed it.'],
      },
    ),
    { reason: 'wrong digest', attempts: 2 },
  );
}

function unauthorized(subject: Subject, why: string): AttemptFailure {
  const { host, credentialSource: source } = subject;
  const login = `docker login ${host}`;
  return new AttemptFailure(
    error(
      'registry-unauthorized',
      source === undefined
        ? `${host} requires credentials for ${phrase(subject)}, and none were found`
        : `${host} does not accept the credentials from ${source} for ${phrase(subject)}`,
      why,
      {
        suggestions:
          host === 'ghcr.io'
            ? [
                `In GitHub Actions: permissions: packages: ${subject.pushes ? 'write' : 'read'}, and docker/login-action with GITHUB_TOKEN`,
                `Elsewhere: ${login}, with a token that has ${subject.pushes ? 'write:packages' : 'read:packages'}`,
              ]
            : [login],
      },
    ),
  );
}

/** Whether the credentials are valid but lack this right (RFC 6750, section 3.1). */
function isInsufficientScope({ headers }: HttpResponse, { credentialSource }: Subject): boolean {
  return (
    credentialSource !== undefined &&
    /\berror="?insufficient_scope\b/i.test(headers['www-authenticate'] ?? '')
  );
}

function denied(subject: Subject, why: string, answer: ErrorBody): AttemptFailure {
  const { host, repository } = subject;
  const verb = subject.pushes ? 'pushing to' : 'reading';
  const absent = ABSENT.has(answer.code.toUpperCase());
  const suggestions =
    host === 'ghcr.io'
      ? [
          `If the package exists: its page, Package settings, Manage Actions access: add this repository with the role ${subject.pushes ? 'Write' : 'Read'}`,
          'If it does not: the workflow needs permissions: packages: write, and the owner in the name must be yours',
        ]
      : [
          `Ask for the right to ${subject.pushes ? 'push to' : 'read'} ${host}/${repository}, or docker login ${host} with an account that has it`,
        ];
  return new AttemptFailure(
    error(
      'registry-denied',
      absent
        ? `${host}/${repository} does not exist, and these credentials cannot create it`
        : `${host} does not allow ${verb} ${host}/${repository}`,
      why,
      {
        suggestions:
          subject.credentialSource === undefined
            ? [`No credentials were found: docker login ${host}`, ...suggestions]
            : suggestions,
      },
    ),
  );
}

function rateLimited(
  subject: Subject,
  why: string,
  after: number | undefined,
  reason: string,
): AttemptFailure {
  const wait = after === undefined ? '' : ` Retry after ${Math.ceil(after / 1000)} s.`;
  return new AttemptFailure(
    error(
      'registry-rate-limited',
      `${subject.host} limits the request rate, at ${phrase(subject)}`,
      why + wait,
      {
        suggestions: [
          'Try again later, run fewer publishes at a time, or use credentials with a higher limit.',
        ],
        retryable: true,
      },
    ),
    { reason, ...optional('after', after) },
  );
}

function missing(subject: Subject, why: string): PrimitiveError {
  return error('registry-not-found', `Not found at ${subject.host}: ${phrase(subject)}`, why, {
    suggestions: [
      `If the registry does not create repositories on push, create ${subject.host}/${subject.repository ?? ''}`,
    ],
  });
}

/** Registries rarely limit uploads; nginx does at 1 MiB, unless configured. */
function tooLarge(subject: Subject, why: string): PrimitiveError {
  return error(
    'registry-upload-too-large',
    `The upload is too large for ${subject.host} or a proxy in front of it: ${phrase(subject)}`,
    why,
    {
      suggestions: [
        'Raise the body limit of the proxy; nginx: client_max_body_size 0; ingress-nginx: the annotation nginx.ingress.kubernetes.io/proxy-body-size: "0"',
      ],
    },
  );
}

/** Only its text distinguishes a rate limit answered by 403 from a refusal. */
function isSecondaryLimit(answer: ErrorBody): boolean {
  return /secondary (?:rate )?limit|rate.?limit|too ?many ?requests|abuse detection/i.test(answer.text);
}

function phrase(subject: Subject): string {
  const where = subject.repository === undefined ? '' : ` of ${subject.host}/${subject.repository}`;
  return `${subject.method} ${subject.what}${where}`;
}

function describe(status: number, answer: ErrorBody): string {
  const said = [answer.code, answer.message].filter((part) => part !== '').join(': ');
  return said === '' ? `It answered ${status}.` : `It answered ${status}, ${said}`;
}

interface Details {
  readonly suggestions?: readonly string[];
  readonly retryable?: boolean;
  readonly cause?: unknown;
}

function error(
  code: `registry-${CodeAfter<'registry'>}`,
  message: string,
  why: string,
  details: Details = {},
): PrimitiveError {
  return new PrimitiveError(code, message, { why, exit: 3, ...details });
}
