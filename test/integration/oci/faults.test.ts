import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createProcesses } from '../../../src/adapters/process.ts';
import { buildArtifact, bytesSource, EMPTY_CONFIG } from '../../../src/oci/artifact.ts';
import {
  createRegistryClient,
  type RegistryClient,
  type RegistryClientOptions,
} from '../../../src/oci/client.ts';
import { descriptorOf, referrerDescriptor } from '../../../src/oci/manifest.ts';
import { joinRepository, repositoryPath } from '../../../src/oci/reference.ts';
import type { Referrer } from '../../../src/oci/registry.ts';
import type { ImageRepository } from '../../../src/oci/types.ts';
import { patientlessClock } from '../../support/patientless-clock.ts';
import { partOf } from '../../support/sample.ts';
import { type Distribution, startDistribution } from '../../support/services/distribution.ts';
import {
  FAULTS,
  type FaultProxy,
  faultAtRequest,
  type HttpFault,
  seededFaultPlan,
  startFaultProxy,
} from '../../support/services/fault-proxy.ts';
import { type Olareg, startOlareg } from '../../support/services/olareg.ts';

/** Long enough for an answer over loopback on a busy machine, short enough to wait for in every stalled case. */
const STALL = 300;

describe.each(['Distribution 3, fallback index', 'olareg, referrers API'])(
  'one fault at every request: %s',
  (name) => {
    let service: Distribution | Olareg;
    let proxy: FaultProxy;
    let count = 0;
    let length = 0;

    beforeAll(async () => {
      service = name.startsWith('Distribution') ? await startDistribution() : await startOlareg();
      proxy = await startFaultProxy({ target: service.url });
      // A busy machine must not stall the run that the others are compared with.
      await run(service.host, repositoryAt(proxy), { stallTimeout: 60_000 });
      length = proxy.requests.length;
    });
    afterAll(async () => {
      await proxy?.stop();
      await service?.stop();
    });

    const repositoryAt = (behind: FaultProxy) => joinRepository(behind.host, `faults/r${++count}`);

    test('without a fault, no request is wasted', () => {
      const asked = proxy.requests.map(({ method, path }) => `${method} ${shape(path)}`);
      const attach = name.startsWith('Distribution')
        ? ['GET manifests/sha256-…', 'PUT manifests/sha256-…', 'GET manifests/sha256-…']
        : ['GET referrers/…'];
      const blob = ['HEAD blobs/…', 'POST blobs/uploads/', 'PUT blobs/uploads/…'];
      expect(asked).toEqual([
        ...blob,
        ...blob,
        'PUT manifests/sha256:…',
        ...blob,
        'PUT manifests/sha256:…',
        'PUT manifests/sha256:…',
        ...attach,
        'GET manifests/sha256:…',
        'PUT manifests/v1',
        'GET manifests/v1',
      ]);
    });

    test.each(FAULTS)('%s: the end state is right', async (fault) => {
      const cases = partOf(
        Array.from({ length: length + 1 }, (_, at) => at),
        6,
      );
      const outcomes: string[] = [];
      for (const at of cases) {
        proxy.reset(faultAtRequest(at, fault));
        const repository = repositoryAt(proxy);
        await run(service.host, repository).catch((error: Error) => {
          outcomes.push(
            `${fault} at ${at} (${described(proxy, at)}): ${error.message} ${(error as { why?: string }).why ?? ''}`,
          );
        });
      }
      expect(outcomes).toEqual([]);
      expect(length).toBeGreaterThan(14);
    });

    test.each([1, 2, 3, 4])('many faults, seed %i: the end state is right', async (seed) => {
      const passing: readonly HttpFault[] = FAULTS.filter(
        (fault) => fault !== 'stall' && fault !== 'wrong-digest',
      );
      proxy.reset(seededFaultPlan(seed, passing, 3));
      await run(service.host, repositoryAt(proxy));
      expect(proxy.requests.filter(({ fault }) => fault !== undefined).length).toBeGreaterThan(2);
    });

    test('a fault that does not go away is reported with its own code', async () => {
      const codes: Record<string, string> = {};
      for (const fault of FAULTS) {
        if (fault === 'stale') continue;
        proxy.reset(() => fault);
        const client = connect();
        try {
          await client.getManifest(repositoryAt(proxy), 'v1');
          codes[fault] = 'none';
        } catch (error) {
          codes[fault] = (error as { code: string }).code;
        } finally {
          await client.close();
        }
      }
      expect(codes).toEqual({
        reset: 'registry-unreachable',
        'rate-limit-header': 'registry-rate-limited',
        'rate-limit-body': 'registry-rate-limited',
        'secondary-limit': 'registry-rate-limited',
        'error-500': 'registry-failed',
        'error-503': 'registry-failed',
        truncated: 'registry-unreachable',
        'wrong-digest': 'none',
        stall: 'registry-unreachable',
      });
    });

    test('content that stays wrong is a mismatch after one more try', async () => {
      const client = connect();
      const repository = repositoryAt(proxy);
      proxy.reset();
      const image = await pushArtifact(client, repository);
      proxy.reset(() => 'wrong-digest');
      await expect(client.getManifest(repository, image.digest)).rejects.toMatchObject({
        code: 'registry-digest-mismatch',
        exit: 3,
      });
      await expect(client.getBlob(repository, EMPTY_CONFIG.descriptor)).rejects.toMatchObject({
        code: 'registry-digest-mismatch',
      });
      expect(proxy.requests).toHaveLength(4);
      await client.close();
    });
  },
);

/** Pushes, attaches two referrers, reads, tags and reads back; then looks at `host`, past the proxy, whether all is there. */
async function run(host: string, repository: ImageRepository, options: ConnectOptions = {}): Promise<void> {
  const client = connect(options);
  try {
    const image = await pushArtifact(client, repository);
    const layer = bytesSource('application/json', new TextEncoder().encode(`{"of":"${image.digest}"}`));
    await client.pushBlob(repository, layer);
    const referrers = ['one', 'two'].map((name) =>
      buildArtifact({
        artifactType: 'application/vnd.example.bundle',
        layers: [layer.descriptor],
        subject: descriptorOf(image),
        annotations: { name },
      }),
    );
    await client.attach(repository, image.digest, referrers);
    const found = await client.getManifest(repository, image.digest);
    if (found === undefined) throw new Error('the image is not there');
    await client.putManifest(repository, 'v1', found);
    expect((await client.getManifest(repository, 'v1'))?.digest).toBe(image.digest);
    await look(joinRepository(host, repositoryPath(repository)), image, referrers);
  } finally {
    await client.close();
  }
}

async function look(
  repository: ImageRepository,
  image: Referrer,
  referrers: readonly Referrer[],
): Promise<void> {
  const client = createRegistryClient({ credentials: {}, processes: createProcesses({}) });
  try {
    expect((await client.headManifest(repository, 'v1'))?.digest).toBe(image.digest);
    const listed = await client.getReferrers(repository, image.digest);
    const byName = (a: { annotations?: object }, b: { annotations?: object }) =>
      JSON.stringify(a.annotations) < JSON.stringify(b.annotations) ? -1 : 1;
    expect([...listed].sort(byName)).toEqual(referrers.map(referrerDescriptor).sort(byName));
  } finally {
    await client.close();
  }
}

type ConnectOptions = Pick<RegistryClientOptions, 'retryBudget' | 'stallTimeout'>;

function connect(options: ConnectOptions = {}): RegistryClient {
  return createRegistryClient({
    credentials: {},
    processes: createProcesses({}),
    access: 'write',
    clock: patientlessClock(),
    stallTimeout: STALL,
    ...options,
  });
}

async function pushArtifact(client: RegistryClient, repository: ImageRepository): Promise<Referrer> {
  await client.pushBlob(repository, EMPTY_CONFIG);
  const layer = bytesSource('text/plain', new TextEncoder().encode(`layer of ${repository}`));
  await client.pushBlob(repository, layer);
  const image = buildArtifact({ artifactType: 'application/vnd.example.image', layers: [layer.descriptor] });
  await client.putManifest(repository, image.digest, image);
  return image;
}

function described(proxy: FaultProxy, at: number): string {
  const request = proxy.requests[at];
  return request === undefined ? 'never sent' : `${request.method} ${shape(request.path)}`;
}

function shape(path: string): string {
  return path
    .replace(/^\/v2\/faults\/r\d+\//, '')
    .replace(/\?.*$/, '')
    .replace(/^blobs\/uploads\/.+/, 'blobs/uploads/…')
    .replace(/(sha256[:-])[0-9a-f]{64}/, '$1…')
    .replace(/^(blobs|referrers)\/sha256:…/, '$1/…');
}
