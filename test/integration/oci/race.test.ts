import { expect, test } from 'vitest';
import { createProcesses } from '../../../src/adapters/process.ts';
import { buildArtifact, EMPTY_CONFIG } from '../../../src/oci/artifact.ts';
import { createRegistryClient } from '../../../src/oci/client.ts';
import { descriptorOf } from '../../../src/oci/manifest.ts';
import { joinRepository } from '../../../src/oci/reference.ts';
import { startDistribution } from '../../support/services/distribution.ts';

const WRITERS = 3;
const ROUNDS = 4;

/** Without the second look of {@link createReferrers}, two of three such rounds lose an entry. */
test('writers that know nothing of each other lose none of their entries in the fallback index', async () => {
  await using registry = await startDistribution();
  const connect = () =>
    createRegistryClient({ credentials: {}, processes: createProcesses({}), access: 'write' });
  const clients = Array.from({ length: WRITERS }, connect);
  const [first = connect()] = clients;
  for (let round = 0; round < ROUNDS; round += 1) {
    const repository = joinRepository(registry.host, `race/r${round}`);
    await first.pushBlob(repository, EMPTY_CONFIG);
    const subject = buildArtifact({ artifactType: 'application/vnd.example', layers: [] });
    await first.putManifest(repository, subject.digest, subject);
    const referrers = clients.map((_, writer) =>
      buildArtifact({
        artifactType: 'application/vnd.example.bundle',
        layers: [],
        subject: descriptorOf(subject),
        annotations: { writer: String(writer) },
      }),
    );
    await Promise.all(
      referrers.map((referrer, writer) => clients[writer]?.attach(repository, subject.digest, [referrer])),
    );
    const listed = await first.getReferrers(repository, subject.digest);
    expect(listed.map(({ annotations }) => annotations?.writer).sort()).toEqual(['0', '1', '2']);
  }
  await Promise.all(clients.map((client) => client.close()));
});
