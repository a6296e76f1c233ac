import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { gitRepo, type TestRepository, temporaryFolder } from '../../support/git.ts';
import { goCaches } from '../../support/go-caches.ts';
import { type Olareg, startOlareg } from '../../support/services/olareg.ts';
import { attempt, devCli, run } from '../../support/services/run.ts';
import { tool } from '../../tools/locate.ts';

/** A kind for Rust, of the repository that uses it: no program runs it, and nothing in the CLI knows Rust. */
const KIND: Readonly<Record<string, string>> = {
  'kinds/worker/kind.yaml': `schema: primitive.kind/v1
kind: worker
version: 1
language: other
resource: { type: Worker, plural: workers, shortName: wk }
names: { pattern: "^[a-z][a-z0-9-]{0,38}[a-z0-9]$" }
files:
  - { path: Dockerfile, owner: config, required: true }
  - { path: Cargo.toml, owner: config, required: true }
  - { path: src/main.rs, owner: impl, required: true }
  - { path: catalog-info.yaml, owner: config, required: true }
  - { path: "**", owner: impl }
build: { context: ".", dockerfile: Dockerfile }
`,
  'kinds/worker/files/Dockerfile': `FROM rust:1.90@sha256:${'a'.repeat(64)} AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked
FROM scratch
COPY --from=build /src/target/release/app /app
USER 65532:65532
ENTRYPOINT ["/app"]
`,
  'kinds/worker/files/.dockerignore': 'target\n',
  'kinds/worker/files/Cargo.toml.eta':
    '[package]\nname = "<%= it.names.kebab %>"\nversion = "0.1.0"\nedition = "2024"\n',
  'kinds/worker/files/src/main.rs.eta': 'fn main() {\n    println!("<%= it.name %>");\n}\n',
  'kinds/worker/files/catalog-info.yaml.eta': `apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: <%= it.kind %>-<%= it.name %>
spec:
  type: service
  lifecycle: experimental
  owner: workers
`,
  // Folders that are called so for another reason.
  'kinds/notes/README.md': 'What kinds of things we have.\n',
};

describe('a kind for Rust in kinds/ of the repository', () => {
  let registry: Olareg;
  let home: Awaited<ReturnType<typeof temporaryFolder>>;
  let repo: TestRepository;
  let caches: Awaited<ReturnType<typeof goCaches>>;
  beforeAll(async () => {
    caches = await goCaches();
    [registry, home, repo] = await Promise.all([startOlareg(), temporaryFolder(), gitRepo()]);
    const keys = join(home.path, 'keys');
    await mkdir(keys);
    const env = { COSIGN_PASSWORD: '', HOME: home.path };
    await run(tool('cosign'), ['generate-key-pair', '--output-key-prefix', join(keys, 'k')], { env });
    await repo.write({
      ...KIND,
      'primitive.config.yaml': `registry: ${registry.host}/acme
signing: { signer: { key: ${keys}/k.key }, trusted: [{ key: ${keys}/k.pub }] }
`,
    });
  });
  afterAll(async () => {
    await registry?.[Symbol.asyncDispose]();
    await repo?.[Symbol.asyncDispose]();
    await home?.[Symbol.asyncDispose]();
  });

  async function cli(args: readonly string[], cwd = repo.root) {
    const path = ['git', 'cosign', 'syft', 'buildah'].map((name) => dirname(tool(name))).join(':');
    const env = {
      PATH: `${path}:${process.env.PATH}`,
      HOME: home.path,
      COSIGN_PASSWORD: '',
      ...caches,
      GH_HOST: '127.0.0.1:1',
      GH_ENTERPRISE_TOKEN: 'token',
    };
    const { code, stdout, stderr } = await attempt(process.execPath, [devCli, ...args, '--json'], {
      cwd,
      env,
    });
    return { code, document: JSON.parse(stdout), stderr };
  }

  test('is scaffolded, listed and verified, and its publish is planned', async () => {
    const scaffolded = await cli(['scaffold', '--kind', 'worker', '--name', 'mailer']);
    expect(scaffolded).toMatchObject({
      code: 0,
      document: {
        written: true,
        next: [
          "git add primitives/worker/mailer && git commit --message 'Scaffold worker/mailer'",
          expect.any(String),
        ],
      },
    });
    repo.git('add', '--all');
    repo.git('commit', '--quiet', '--message', 'Scaffold worker/mailer');

    const listed = await cli(['list']);
    expect(listed.document.primitives).toMatchObject([{ kind: 'worker', language: 'other' }]);

    const verified = await cli(['verify', '--no-tests']);
    expect(verified.document.findings).toEqual([]);
    expect(verified.document).toMatchObject({ verdict: 'partial' });
    expect(verified.document.unchecked.map(({ what }: { what: string }) => what)).toEqual([
      'TEST',
      'IMP of primitives/worker/mailer',
    ]);

    const planned = await cli(['publish', '--dry-run']);
    expect(planned).toMatchObject({
      code: 0,
      document: { components: [{ kind: 'worker', name: 'mailer', action: 'build' }] },
    });
  });

  test('beside it, an existing service is a Dockerfile and three lines, and nothing is scaffolded over it', async () => {
    const folder = 'primitives/service/billing';
    await repo.commit(
      {
        [`${folder}/primitive.yaml`]: 'schema: primitive.primitive/v1\nkind: service\nname: billing\n',
        [`${folder}/Dockerfile`]: `FROM eclipse:21@sha256:${'b'.repeat(64)}\nCOPY app.jar /\nUSER 1\n`,
        [`${folder}/app.jar`]: 'code\n',
      },
      'Adopt',
    );
    const listed = await cli(['list', 'service/billing']);
    expect(listed.document.primitives).toMatchObject([
      { kind: 'service', name: 'billing', state: 'committed', template: null, problem: null },
    ]);
    const verified = await cli(['verify', 'service/billing', '--no-tests']);
    expect(verified).toMatchObject({ code: 0, document: { findings: [], verdict: 'partial' } });
    const planned = await cli(['publish', '--dry-run']);
    expect(planned).toMatchObject({
      code: 0,
      document: {
        components: expect.arrayContaining([
          expect.objectContaining({ kind: 'service', name: 'billing', action: 'build' }),
        ]),
      },
    });
    const refused = await cli(['scaffold', '--kind', 'service', '--name', 'billing']);
    expect(refused).toMatchObject({ code: 2, document: { code: 'kind-not-scaffolded' } });
    expect(repo.git('status', '--porcelain')).toBe('');
    repo.git('reset', '--quiet', '--hard', 'HEAD^');
  });

  test('an existing service runs suites of its own, and brings its processes to the wiring', async () => {
    const folder = 'primitives/service/ledger';
    const manifest = `schema: primitive.primitive/v1
kind: service
name: ledger
suites:
  - { id: unit, runner: go-test, args: [./...], required: true }
run: { port: 3000, live: /up, ready: /up, drainSeconds: 5 }
processes:
  serve: { args: [serve], ports: { http: 3000 } }
  migrate: { args: [migrate], once: true }
settings:
  DATABASE_URL: { required: true, secret: true, help: address of the database }
`;
    const testOf = (want: number) =>
      `package main\n\nimport "testing"\n\nfunc TestSum(t *testing.T) {\n\tif sum(1, 2) != ${want} {\n\t\tt.Fatal(sum(1, 2))\n\t}\n}\n`;
    await repo.commit(
      {
        [`${folder}/primitive.yaml`]: manifest,
        [`${folder}/Dockerfile`]: `FROM golang:1.26@sha256:${'b'.repeat(64)}\nCOPY . /src\nUSER 1\n`,
        [`${folder}/go.mod`]: 'module ledger.example\n\ngo 1.24\n',
        [`${folder}/main.go`]:
          'package main\n\nfunc sum(a, b int) int { return a + b }\n\nfunc main() { println(sum(1, 2)) }\n',
        [`${folder}/main_test.go`]: testOf(3),
      },
      'Adopt',
    );
    const passed = await cli(['verify', 'service/ledger', '--only', 'TEST']);
    expect(passed).toMatchObject({
      code: 0,
      document: { findings: [], suites: [{ suite: 'unit', required: true, passed: 1, failed: 0 }] },
    });
    await repo.write({ [`${folder}/main_test.go`]: testOf(4) });
    const red = await cli(['verify', 'service/ledger', '--only', 'TEST']);
    expect(red).toMatchObject({ code: 1, document: { findings: [{ rule: 'TEST-002' }] } });

    await repo.write({
      [`${folder}/primitive.yaml`]: manifest.replace('[./...]', '["-exec=sh evil.sh", ./...]'),
    });
    const refused = await cli(['verify', 'service/ledger', '--no-tests']);
    expect(refused.code).toBe(1);
    expect(JSON.stringify(refused.document.findings)).toContain('go-test is given no -exec');
    repo.git('checkout', '--', folder);

    const config = await repo.read('primitive.config.yaml');
    await repo.write({
      'primitive.config.yaml': `${config}gitops: { repository: acme/gitops, host: 127.0.0.1:1 }\n`,
    });
    const asked = await cli([
      'gitops',
      'scaffold',
      '--kind',
      'service',
      '--name',
      'ledger',
      '--version',
      'v1',
      '--dry-run',
    ]);
    expect(asked).toMatchObject({ code: 0 });
    expect(JSON.parse(asked.document.request.inputs.workload)).toEqual({
      processes: {
        serve: { args: ['serve'], ports: { http: 3000 }, live: '/up', ready: '/up', drainSeconds: 5 },
        migrate: { args: ['migrate'], once: true },
      },
      settings: { DATABASE_URL: { required: true, secret: true, help: 'address of the database' } },
    });
    repo.git('checkout', '--', 'primitive.config.yaml');
    repo.git('rm', '-r', '--quiet', folder);
    await repo.commit({}, 'Remove it');
  });

  test('is committed before it decides what is published', async () => {
    const path = 'kinds/worker/kind.yaml';
    await repo.write({ [path]: `${KIND[path]}# edited\n` });
    const refused = await cli(['publish', '--dry-run']);
    expect(refused).toMatchObject({
      code: 2,
      document: { code: 'inputs-dirty', message: expect.stringContaining(path) },
    });
    repo.git('checkout', '--', path);
  });

  test('has a custom resource in a GitOps repository, beside those of the six', async () => {
    await using gitops = await gitRepo();
    gitops.git('remote', 'add', 'origin', 'https://github.com/acme/gitops.git');
    const { code } = await cli(['gitops', 'init', '--kinds-from', join(repo.root, 'kinds')], gitops.root);
    expect(code).toBe(0);
    const crds = parseAllDocuments(await gitops.read('sources/crds/primitives.yaml'))
      .map((one) => one.toJSON())
      .filter((one) => one !== null);
    const names = crds.map(({ spec }) => spec.names.plural);
    expect(names.sort()).toEqual([
      'agents',
      'domains',
      'integrations',
      'processes',
      'projections',
      'uisurfaces',
      'workers',
    ]);
    expect(parse(await gitops.read('kit.yaml')).kinds).toContain('service');
    expect(parse(await gitops.read('sources/values/_kinds/service.yaml'))).toEqual({
      kind: 'service',
      processes: { serve: { ports: { http: 8080 } } },
      settings: {},
    });
    expect(crds.find(({ spec }) => spec.names.plural === 'workers').spec.names).toMatchObject({
      kind: 'Worker',
      singular: 'worker',
      shortNames: ['wk'],
    });
    expect(JSON.parse(await gitops.read('.github/primitive/kit.json')).kit.kinds).toContain('worker');

    // What it runs, and again when that has changed; of the others it is what comes with primitive.
    const values = async () => parse(await gitops.read('sources/values/_kinds/worker.yaml'));
    expect(await values()).toMatchObject({ kind: 'worker', processes: { serve: { ports: { http: 8080 } } } });
    await gitops.commit({}, 'Install the kit');
    const path = 'kinds/worker/kind.yaml';
    const more =
      'processes:\n  serve: { ports: { http: 8080 } }\n  work: { args: [work], ports: { http: 8081 } }\nsettings:\n  QUEUE_URL: { required: true, help: where work comes from }\n';
    await repo.write({ [path]: KIND[path] + more });
    const update = ['gitops', 'init', '--update', '--kinds-from', join(repo.root, 'kinds')];
    expect(await cli(update, gitops.root)).toMatchObject({
      code: 0,
      document: {
        files: expect.arrayContaining([{ path: 'sources/values/_kinds/worker.yaml', action: 'update' }]),
      },
    });
    expect(await values()).toMatchObject({
      processes: { work: { args: ['work'], ports: { http: 8081 } } },
      settings: { QUEUE_URL: { required: true } },
    });
    repo.git('checkout', '--', path);
    await gitops.commit({}, 'Update the kit');
    expect((await cli(update, gitops.root)).code).toBe(0);
    const settings = await gitops.read('kit.yaml');
    const others = settings.replace(/, worker\]/, ']').replace(/^resources:\n.*\n/m, '');
    await gitops.commit({ 'kit.yaml': others }, 'Without');
    expect(await cli(update, gitops.root)).toMatchObject({ code: 2, document: { code: 'invalid-flag' } });
  });
});
