import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createProcesses } from '../../../src/adapters/process.ts';
import { buildArtifact, EMPTY_CONFIG } from '../../../src/oci/artifact.ts';
import { createRegistryClient } from '../../../src/oci/client.ts';
import { descriptorOf } from '../../../src/oci/manifest.ts';
import { joinRepository } from '../../../src/oci/reference.ts';
import { startDelayProxy } from '../../support/services/delay-proxy.ts';
import { startDistribution } from '../../support/services/distribution.ts';

/**
 * Milliseconds that each writer's requests take to the registry, both far more than a busy machine adds. The slower one
 * reads before the other writes, and writes after that one has read back.
 */
const DELAYS = [80, 112];
/** How much later the slower one begins. */
const OFFSETS = [0, 4, 8, 12];

/** Without the second look of {@link createReferrers} the quicker one's entry is lost. */
test('writers that know nothing of each other lose none of their entries in the fallback index', async () => {
  await using registry = await startDistribution();
  const writers = await Promise.all(
    DELAYS.map(async (delayMs) => {
      const proxy = await startDelayProxy({ target: registry.url, delayMs });
      const client = createRegistryClient({
        credentials: {},
        processes: createProcesses({}),
        access: 'write',
      });
      return { proxy, client };
    }),
  );
  const lists: unknown[] = [];
  for (const [round, offset] of OFFSETS.entries()) {
    const subject = buildArtifact({ artifactType: 'application/vnd.example', layers: [] });
    const places = writers.map(({ proxy, client }, writer) => ({
      client,
      repository: joinRepository(proxy.host, `race/r${round}`),
      referrer: buildArtifact({
        artifactType: 'application/vnd.example.bundle',
        layers: [],
        subject: descriptorOf(subject),
        annotations: { writer: String(writer) },
      }),
    }));
    for (const { client, repository } of places) {
      await client.pushBlob(repository, EMPTY_CONFIG);
      await client.putManifest(repository, subject.digest, subject);
    }
    await Promise.all(
      places.map(async ({ client, repository, referrer }, writer) => {
        await sleep(writer * offset);
        await client.attach(repository, subject.digest, [referrer]);
      }),
    );
    for (const { client, repository } of places) {
      const listed = await client.getReferrers(repository, subject.digest);
      lists.push(listed.map(({ annotations }) => annotations?.writer).sort());
    }
  }
  for (const { proxy, client } of writers) {
    await client.close();
    await proxy.stop();
  }
  expect(lists).toEqual(Array(OFFSETS.length * DELAYS.length).fill(['0', '1']));
});
