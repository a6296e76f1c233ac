/** A program built from a Go module whose `go.mod` and `go.sum` are committed in `go/<folder>`. */
export interface GoSource {
  readonly kind: 'go';
  readonly folder: string;
  readonly package: string;
  /** The module that the version is of, when the package is our own. */
  readonly module?: string;
  readonly version: string;
  /** Variable that carries the version, for programs that do not read it from their build information. */
  readonly stamp?: string;
  /** Roughly how long a cold build takes on two cores, to tell the person who waits. */
  readonly seconds: number;
}

/** A Debian package; with `unpack` only that file is taken, so that no service starts and nothing changes. */
export interface DebianSource {
  readonly kind: 'debian';
  readonly package: string;
  readonly unpack?: string;
}

/** A program that a wheel on PyPI carries, of that very version. */
export interface PypiSource {
  readonly kind: 'pypi';
  readonly package: string;
  readonly version: string;
}

/** What this project does not install: the text says how to get it. */
export interface ManualSource {
  readonly kind: 'manual';
  readonly how: string;
}

export interface ToolSpec {
  /** The name that `tool()` and `npm run tools --` take. */
  readonly name: string;
  /** Names it may have on PATH; the first is also its name in the tools folder. */
  readonly programs: readonly [string, ...string[]];
  /** Absolute places to look at when it is a file and not a program. */
  readonly files?: readonly string[];
  readonly minimum: string;
  /** First version that is too new, when the next major is another tool for us. */
  readonly below?: string;
  /** Arguments that make it print its version; `null` takes any version. */
  readonly probe: readonly string[] | null;
  /** Where the version stands in what it prints. */
  readonly pattern?: RegExp;
  /** Only a statically linked program will do. */
  readonly static?: boolean;
  readonly source: GoSource | DebianSource | PypiSource | ManualSource;
}

const releaseUtilsVersion = 'sigs.k8s.io/release-utils/version.gitVersion';
const kubernetesVersion = 'k8s.io/component-base/version.gitVersion';
const gitVersion = /GitVersion:\s+v?(\d+\.\d+(?:\.\d+)?)/;

/** Every tool that tests, demo and benches may ask for, in the order in which `npm run tools` installs them. */
export const catalogue: readonly ToolSpec[] = [
  {
    name: 'go',
    programs: ['go'],
    minimum: '1.26.0',
    probe: ['version'],
    pattern: /go(\d+\.\d+(?:\.\d+)?)/,
    source: { kind: 'manual', how: 'install Go 1.26 or newer from https://go.dev/dl and put it on PATH' },
  },
  {
    name: 'git',
    programs: ['git'],
    minimum: '2.30.0',
    probe: ['--version'],
    source: { kind: 'debian', package: 'git' },
  },
  {
    name: 'openssl',
    programs: ['openssl'],
    minimum: '1.1.1',
    probe: ['version'],
    source: { kind: 'debian', package: 'openssl' },
  },
  {
    name: 'ca-certificates',
    programs: ['ca-certificates.crt'],
    files: ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt', '/etc/ssl/cert.pem'],
    minimum: '0',
    probe: null,
    source: { kind: 'debian', package: 'ca-certificates' },
  },
  {
    name: 'runc',
    programs: ['runc', 'buildkit-runc'],
    minimum: '1.1.0',
    probe: ['--version'],
    source: { kind: 'debian', package: 'runc' },
  },
  {
    name: 'buildah',
    programs: ['buildah'],
    minimum: '1.28.0',
    probe: ['--version'],
    source: { kind: 'debian', package: 'buildah' },
  },
  {
    name: 'python3',
    programs: ['python3'],
    minimum: '3.11.0',
    probe: ['--version'],
    source: { kind: 'debian', package: 'python3' },
  },
  {
    name: 'pip3',
    programs: ['pip3'],
    minimum: '23.0.0',
    probe: ['--version'],
    source: { kind: 'debian', package: 'python3-pip' },
  },
  {
    name: 'uv',
    programs: ['uv'],
    minimum: '0.13.9',
    probe: ['--version'],
    source: { kind: 'pypi', package: 'uv', version: '0.13.9' },
  },
  {
    name: 'chromium',
    programs: ['chromium'],
    minimum: '120.0.0',
    probe: ['--version'],
    source: { kind: 'debian', package: 'chromium' },
  },
  {
    name: 'busybox',
    programs: ['busybox'],
    minimum: '1.30.0',
    probe: [],
    static: true,
    source: { kind: 'debian', package: 'busybox-static', unpack: 'bin/busybox' },
  },
  {
    name: 'registry2',
    programs: ['docker-registry', 'registry'],
    minimum: '2.8.0',
    below: '3.0.0',
    probe: ['--version'],
    source: { kind: 'debian', package: 'docker-registry', unpack: 'usr/bin/docker-registry' },
  },
  {
    name: 'registry',
    programs: ['registry', 'docker-registry'],
    minimum: '3.0.0',
    below: '4.0.0',
    probe: ['--version'],
    source: {
      kind: 'go',
      folder: 'registry',
      package: 'github.com/distribution/distribution/v3/cmd/registry',
      version: '3.1.2',
      stamp: 'github.com/distribution/distribution/v3/version.version',
      seconds: 105,
    },
  },
  {
    name: 'olareg',
    programs: ['olareg'],
    minimum: '0.1.2',
    probe: ['version'],
    source: {
      kind: 'go',
      folder: 'olareg',
      package: 'github.com/olareg/olareg/cmd/olareg',
      version: '0.1.2',
      seconds: 15,
    },
  },
  {
    name: 'buf',
    programs: ['buf'],
    // Kinds name this very version: another may write other bytes.
    minimum: '1.60.0',
    below: '1.60.1',
    probe: ['--version'],
    source: {
      kind: 'go',
      folder: 'buf',
      package: 'github.com/bufbuild/buf/cmd/buf',
      version: '1.60.0',
      seconds: 150,
    },
  },
  {
    name: 'gh',
    programs: ['gh'],
    // The first that asks for the run of a dispatch.
    minimum: '2.87.0',
    probe: ['--version'],
    source: {
      kind: 'go',
      folder: 'gh',
      package: 'github.com/cli/cli/v2/cmd/gh',
      version: '2.91.0',
      stamp: 'github.com/cli/cli/v2/internal/build.Version',
      seconds: 120,
    },
  },
  {
    name: 'staticcheck',
    programs: ['staticcheck'],
    minimum: '0.8.2',
    probe: ['-version'],
    pattern: /\((\d+\.\d+\.\d+)\)/,
    source: {
      kind: 'go',
      folder: 'staticcheck',
      package: 'honnef.co/go/tools/cmd/staticcheck',
      version: '0.8.2',
      seconds: 30,
    },
  },
  {
    name: 'postgres',
    programs: ['postgres'],
    files: ['/usr/lib/postgresql/15/bin/postgres'],
    minimum: '14.0',
    probe: ['--version'],
    source: { kind: 'debian', package: 'postgresql' },
  },
  {
    name: 'crane',
    programs: ['crane'],
    // Older ones write a wrong artifactType into the fallback referrers index.
    minimum: '0.21.6',
    probe: ['version'],
    source: {
      kind: 'go',
      folder: 'crane',
      package: 'github.com/google/go-containerregistry/cmd/crane',
      version: '0.22.1',
      stamp: 'github.com/google/go-containerregistry/cmd/crane/cmd.Version',
      seconds: 20,
    },
  },
  {
    // A peer in benches.
    name: 'ko',
    programs: ['ko'],
    minimum: '0.18.1',
    probe: ['version'],
    source: {
      kind: 'go',
      folder: 'ko',
      package: 'github.com/google/ko',
      version: '0.18.1',
      stamp: 'github.com/google/ko/pkg/commands.Version',
      seconds: 30,
    },
  },
  {
    name: 'cosign',
    programs: ['cosign', 'cosign3'],
    minimum: '3.1.3',
    below: '4.0.0',
    probe: ['version'],
    pattern: gitVersion,
    source: {
      kind: 'go',
      folder: 'cosign',
      package: 'github.com/sigstore/cosign/v3/cmd/cosign',
      version: '3.1.3',
      stamp: releaseUtilsVersion,
      seconds: 125,
    },
  },
  {
    name: 'fulcio',
    programs: ['fulcio'],
    minimum: '1.6.0',
    probe: ['version'],
    pattern: gitVersion,
    source: {
      kind: 'go',
      folder: 'fulcio',
      package: 'github.com/sigstore/fulcio',
      version: '1.8.8',
      stamp: releaseUtilsVersion,
      seconds: 55,
    },
  },
  {
    name: 'timestamp-server',
    // Not upstream's command, which opens one fixed port on all interfaces: see its main.go.
    programs: ['loopback-timestamp-server'],
    minimum: '2.0.0',
    probe: ['version'],
    pattern: gitVersion,
    source: {
      kind: 'go',
      folder: 'timestamp-server',
      package: '.',
      module: 'github.com/sigstore/timestamp-authority/v2',
      // 2.1.4 and newer ask for Go 1.27.
      version: '2.1.3',
      seconds: 75,
    },
  },
  {
    name: 'buildkitd',
    programs: ['buildkitd'],
    minimum: '0.20.0',
    probe: ['--version'],
    source: {
      kind: 'go',
      folder: 'buildkit',
      package: 'github.com/moby/buildkit/cmd/buildkitd',
      version: '0.27.1',
      stamp: 'github.com/moby/buildkit/version.Version',
      seconds: 60,
    },
  },
  {
    name: 'buildctl',
    programs: ['buildctl'],
    minimum: '0.20.0',
    probe: ['--version'],
    source: {
      kind: 'go',
      folder: 'buildkit',
      package: 'github.com/moby/buildkit/cmd/buildctl',
      version: '0.27.1',
      stamp: 'github.com/moby/buildkit/version.Version',
      seconds: 5,
    },
  },
  {
    name: 'buildx',
    programs: ['buildx', 'docker-buildx'],
    minimum: '0.20.0',
    probe: ['version'],
    source: {
      kind: 'go',
      folder: 'buildx',
      package: 'github.com/docker/buildx/cmd/buildx',
      version: '0.29.1',
      stamp: 'github.com/docker/buildx/version.Version',
      seconds: 75,
    },
  },
  {
    name: 'syft',
    programs: ['syft'],
    minimum: '1.20.0',
    probe: ['version'],
    pattern: /^Version:\s+v?(\d+\.\d+(?:\.\d+)?)/m,
    source: {
      kind: 'go',
      folder: 'syft',
      package: 'github.com/anchore/syft/cmd/syft',
      version: '1.52.0',
      stamp: 'main.version',
      seconds: 110,
    },
  },
  {
    name: 'cosign2',
    programs: ['cosign2', 'cosign'],
    minimum: '2.6.0',
    below: '3.0.0',
    probe: ['version'],
    pattern: gitVersion,
    source: {
      kind: 'go',
      folder: 'cosign2',
      package: 'github.com/sigstore/cosign/v2/cmd/cosign',
      version: '2.6.5',
      stamp: releaseUtilsVersion,
      seconds: 100,
    },
  },
  {
    name: 'helm',
    programs: ['helm'],
    minimum: '3.16.0',
    probe: ['version', '--short'],
    source: {
      kind: 'go',
      folder: 'helm',
      package: 'helm.sh/helm/v3/cmd/helm',
      version: '3.21.4',
      stamp: 'helm.sh/helm/v3/internal/version.version',
      seconds: 60,
    },
  },
  {
    name: 'act',
    programs: ['act'],
    minimum: '0.2.80',
    probe: ['--version'],
    source: {
      kind: 'go',
      folder: 'act',
      package: 'github.com/nektos/act',
      version: '0.2.89',
      stamp: 'main.version',
      seconds: 25,
    },
  },
  {
    name: 'actionlint',
    programs: ['actionlint'],
    minimum: '1.7.7',
    probe: ['-version'],
    source: {
      kind: 'go',
      folder: 'actionlint',
      package: 'github.com/rhysd/actionlint/cmd/actionlint',
      version: '1.7.12',
      stamp: 'github.com/rhysd/actionlint.version',
      seconds: 5,
    },
  },
  {
    name: 'kubeconform',
    programs: ['kubeconform'],
    minimum: '0.6.7',
    probe: ['-v'],
    source: {
      kind: 'go',
      folder: 'kubeconform',
      package: 'github.com/yannh/kubeconform/cmd/kubeconform',
      version: '0.8.0',
      stamp: 'main.version',
      seconds: 5,
    },
  },
  {
    name: 'zizmor',
    programs: ['zizmor'],
    minimum: '1.20.0',
    probe: ['--version'],
    source: { kind: 'pypi', package: 'zizmor', version: '1.32.0' },
  },
  {
    name: 'etcd',
    programs: ['etcd'],
    minimum: '3.4.0',
    probe: ['--version'],
    source: { kind: 'debian', package: 'etcd-server', unpack: 'usr/bin/etcd' },
  },
  {
    name: 'redis',
    programs: ['redis-server'],
    minimum: '7.0.0',
    probe: ['--version'],
    source: { kind: 'debian', package: 'redis-server' },
  },
  {
    name: 'kube-apiserver',
    programs: ['kube-apiserver'],
    minimum: '1.34.0',
    probe: ['--version'],
    source: {
      kind: 'go',
      folder: 'kubernetes',
      package: 'k8s.io/kubernetes/cmd/kube-apiserver',
      version: '1.34.1',
      stamp: kubernetesVersion,
      seconds: 280,
    },
  },
  {
    name: 'kubectl',
    programs: ['kubectl'],
    minimum: '1.34.0',
    probe: ['version', '--client'],
    source: {
      kind: 'go',
      folder: 'kubernetes',
      package: 'k8s.io/kubernetes/cmd/kubectl',
      version: '1.34.1',
      stamp: kubernetesVersion,
      seconds: 35,
    },
  },
  {
    name: 'argocd',
    programs: ['argocd'],
    minimum: '3.0.20',
    below: '3.1.0',
    probe: ['version', '--client'],
    source: {
      kind: 'go',
      folder: 'argocd',
      package: 'github.com/argoproj/argo-cd/v3/cmd',
      version: '3.0.20',
      stamp: 'github.com/argoproj/argo-cd/v3/common.version',
      seconds: 300,
    },
  },
];

/** The entry of that name; an unknown name is an error that lists the known ones. */
export function specOf(name: string): ToolSpec {
  const spec = catalogue.find((entry) => entry.name === name);
  if (spec === undefined) {
    throw new Error(`no tool is called "${name}"; known: ${catalogue.map((entry) => entry.name).join(', ')}`);
  }
  return spec;
}
