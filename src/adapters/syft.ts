import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../core/digest.ts';
import { diskFullAdvice, PrimitiveError } from '../core/errors.ts';
import { optional } from '../core/object.ts';
import { formatPlatform } from '../core/platform.ts';
import type { Processes } from '../core/process.ts';
import { canonicalJson } from '../oci/manifest.ts';
import type { SbomGenerator, SbomRequest } from '../seal/types.ts';

export interface SyftOptions {
  readonly processes: Processes;
  /** Folder that exists; syft unpacks layers in it. */
  readonly temporary: string;
}

/** The timestamp of everything that publish makes; zip has no earlier one. */
const CREATED = '1980-01-01T00:00:00Z';

/** The syft on PATH. */
export function createSyft(options: SyftOptions): SbomGenerator {
  return { generate: (request) => generate(options, request) };
}

async function generate({ processes, temporary }: SyftOptions, request: SbomRequest): Promise<Uint8Array> {
  const folder = await mkdtemp(join(temporary, 'syft-'));
  try {
    const config = join(folder, 'syft.yaml');
    const output = join(folder, 'sbom.json');
    // An own, empty file: one in the home folder must not decide what is found.
    await writeFile(config, '');
    const { exitCode, stderr } = await processes.run(
      'syft',
      [
        'scan',
        `oci-dir:${request.layout}`,
        ...['--platform', formatPlatform(request.platform)],
        ...['--source-name', request.image],
        ...['--output', `${request.format}=${output}`],
        ...['--config', config],
      ],
      {
        cwd: folder,
        env: { TMPDIR: folder, SYFT_CHECK_FOR_APP_UPDATE: 'false' },
        ...optional('signal', request.signal),
      },
    );
    if (exitCode !== 0) throw failed(request, stderr.trim().split('\n').slice(-5).join('; '));
    return normalise(await readFile(output, 'utf8'), request);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Replaces what differs between two runs on the same image: the time and a random id. */
function normalise(text: string, request: SbomRequest): Uint8Array {
  let document: Record<string, unknown>;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw failed(request, 'its output is not JSON', cause);
  }
  const described =
    request.format === 'spdx-json' ? normaliseSpdx(document, request) : normaliseCyclonedx(document, request);
  if (described !== request.manifest) throw failed(request, `it describes ${described ?? 'something else'}`);
  return new TextEncoder().encode(canonicalJson(document));
}

/** SPDX 2.3, clauses 6.5 and 6.9. Returns the digest that the document is about. */
function normaliseSpdx(document: Record<string, unknown>, { image, manifest }: SbomRequest): unknown {
  document.documentNamespace = `https://spdx.org/spdxdocs/${image}@${manifest}`;
  document.creationInfo = { ...(document.creationInfo as object | undefined), created: CREATED };
  const packages = document.packages as readonly Record<string, unknown>[] | undefined;
  return packages?.find((entry) => String(entry.SPDXID).startsWith('SPDXRef-DocumentRoot-'))?.versionInfo;
}

/** CycloneDX 1.6, `serialNumber` and `metadata.timestamp`. Returns the digest that the document is about. */
function normaliseCyclonedx(document: Record<string, unknown>, { manifest }: SbomRequest): unknown {
  document.serialNumber = `urn:uuid:${uuidOf(manifest)}`;
  const metadata = document.metadata as { readonly component?: { readonly version?: unknown } } | undefined;
  document.metadata = { ...metadata, timestamp: CREATED };
  return metadata?.component?.version;
}

/** A UUID of version 8 (RFC 9562, 5.8) from the first bits of a digest. */
function uuidOf(digest: Digest): string {
  const hex = digest.slice('sha256:'.length);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `a${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}

function failed({ image, platform }: SbomRequest, why: string, cause?: unknown): PrimitiveError {
  return new PrimitiveError(
    'sbom-failed',
    `syft failed to describe ${image} for ${formatPlatform(platform)}`,
    {
      why: why || 'it printed no message',
      suggestions: [
        diskFullAdvice(why) ??
          'Run it by hand: syft scan oci-dir:<layout> --platform <platform> -o spdx-json',
      ],
      exit: 3,
      ...optional('cause', cause),
    },
  );
}
