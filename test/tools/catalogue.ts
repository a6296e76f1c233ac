/** A program built from a Go module. */
export interface GoSource {
  readonly kind: 'go';
  /** Path of the module that the version is of. */
  readonly module: string;
  readonly version: string;
  /**
   * Hash of the module as `go.sum` writes it: it covers the module's own `go.sum`, which pins all that it depends on. Or a
   * folder in `go/` with `go.mod` and `go.sum`, for a module whose `replace` names folders that only its repository has.
   */
  readonly pin: `h1:${string}` | { readonly folder: string };
  /** Folder of the command in the module, where the module itself is none. */
  readonly command?: string;
  /** File in `go/`, or in the folder of the pin, that is built against the module, in place of a command of its own. */
  readonly main?: string;
  /** Variable that carries the version, for programs that do not read it from their build information. */
  readonly stamp?: string;
  /**
   * Compiled without inlining: a quarter less time to build, and a tenth slower to run. For programs that tests start and no
   * bench compares.
   */
  readonly quick?: true;
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

/** A program in `bin` of an npm package, which `npm ci` has taken as the lock file pins it. */
export interface NpmSource {
  readonly kind: 'npm';
  readonly package: string;
  readonly version: string;
}

/**
 * A program of an npm package with hundreds of others, which is why it is no dependency of this project. The package is
 * pinned; it pins most of what it depends on itself.
 */
export interface NpmTreeSource {
  readonly kind: 'npm-tree';
  readonly package: string;
  readonly version: string;
  /** Versions in place of those that its packages name, such as by a tag that not every registry has. */
  readonly overrides: Readonly<Record<string, string>>;
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
  /** Installed only if it is named: no test needs it. */
  readonly onDemand?: true;
  readonly source: GoSource | DebianSource | PypiSource | NpmSource | NpmTreeSource | ManualSource;
}

/** As packages of buf on npm name them. */
const { platform } = process;
const machine = process.arch === 'arm64' && platform === 'linux' ? 'aarch64' : process.arch;

const releaseUtilsVersion = 'sigs.k8s.io/release-utils/version.gitVersion';
const gitVersion = /GitVersion:\s+v?(\d+\.\d+(?:\.\d+)?)/;

/** A program of Kubernetes; `seconds` as in {@link GoSource}. */
function kubernetes(name: string, seconds: number, probe: readonly string[] = ['--version']): ToolSpec {
  return {
    name,
    programs: [name],
    minimum: '1.34.0',
    probe,
    source: {
      kind: 'go',
      module: 'k8s.io/kubernetes',
      command: `cmd/${name}`,
      version: '1.34.1',
      pin: { folder: 'kubernetes' },
      stamp: 'k8s.io/component-base/version.gitVersion',
      quick: true,
      seconds,
    },
  };
}

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
    name: 'cargo',
    programs: ['cargo'],
    minimum: '1.60.0',
    probe: ['--version'],
    source: { kind: 'debian', package: 'cargo' },
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
      module: 'github.com/distribution/distribution/v3',
      command: 'cmd/registry',
      version: '3.1.2',
      pin: 'h1:/Bv2YIqqSR00HiO49FT93hovy6r9IlrzwUDsJjCN5qg=',
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
      module: 'github.com/olareg/olareg',
      command: 'cmd/olareg',
      version: '0.1.2',
      pin: 'h1:75G8X6E9FUlzL/CSjgFcYfMgNzlc7CxULpUUNsZBIvI=',
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
    source: { kind: 'npm', package: `@bufbuild/buf-${platform}-${machine}`, version: '1.60.0' },
  },
  {
    name: 'gh',
    programs: ['gh'],
    // The first that asks for the run of a dispatch.
    minimum: '2.87.0',
    probe: ['--version'],
    source: {
      kind: 'go',
      module: 'github.com/cli/cli/v2',
      command: 'cmd/gh',
      version: '2.91.0',
      pin: 'h1:hvflcnBzxvSueHrIM5zJpl5e7WUWPjbQKJZTHuwZxpg=',
      stamp: 'github.com/cli/cli/v2/internal/build.Version',
      quick: true,
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
      module: 'honnef.co/go/tools',
      command: 'cmd/staticcheck',
      version: '0.8.2',
      pin: 'h1:+jPbCzuYxYrcoOvCecYUFDj+XJQRmzIhJmlbpps21Zk=',
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
      module: 'github.com/google/go-containerregistry',
      command: 'cmd/crane',
      version: '0.22.1',
      pin: 'h1:RZuuSYhTvlDvtsK+NkutoCZ//C0X2ebLK8X8l3ULs84=',
      stamp: 'github.com/google/go-containerregistry/cmd/crane/cmd.Version',
      seconds: 20,
    },
  },
  {
    // A peer in benches.
    name: 'ko',
    programs: ['ko'],
    onDemand: true,
    minimum: '0.18.1',
    probe: ['version'],
    source: {
      kind: 'go',
      module: 'github.com/google/ko',
      version: '0.18.1',
      pin: 'h1:F2WDFIi/eZe5thmFCuk/uH0eVr7ilWCThl+UoTHEKSk=',
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
      module: 'github.com/sigstore/cosign/v3',
      command: 'cmd/cosign',
      version: '3.1.3',
      pin: 'h1:001JQRI/PJ/5T+g/kJ1KTvKFbb322+fomc+pHDZ/6sg=',
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
      module: 'github.com/sigstore/fulcio',
      version: '1.8.8',
      pin: 'h1:AtVoVQ4R7YaP6RHIH9puHyB398CHS/9WYc6d+gKf5Y0=',
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
      module: 'github.com/sigstore/timestamp-authority/v2',
      main: 'timestamp-server.go',
      // 2.1.4 and newer ask for Go 1.27.
      version: '2.1.3',
      pin: 'h1:Fc+LjCTfik1lh3YLkaosENfkXa3R2Y1nswiUKutBdFA=',
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
      module: 'github.com/moby/buildkit',
      command: 'cmd/buildkitd',
      version: '0.27.1',
      pin: 'h1:qlIWpnZzqCkrYiGkctM1gBD/YZPOJTjtUdRBlI0oBOU=',
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
      module: 'github.com/moby/buildkit',
      command: 'cmd/buildctl',
      version: '0.27.1',
      pin: 'h1:qlIWpnZzqCkrYiGkctM1gBD/YZPOJTjtUdRBlI0oBOU=',
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
      module: 'github.com/docker/buildx',
      command: 'cmd/buildx',
      version: '0.29.1',
      pin: 'h1:58hxM5Z4mnNje3G5NKfULT9xCr8ooM8XFtlfUK9bKaA=',
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
      module: 'github.com/anchore/syft',
      command: 'cmd/syft',
      version: '1.52.0',
      pin: 'h1:BelCbd0Q3grSbtoLgNJ0cx/r/Gd1Jj7t11dp91eXd1Y=',
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
      module: 'github.com/sigstore/cosign/v2',
      command: 'cmd/cosign',
      version: '2.6.5',
      pin: 'h1:D7kFSWS2HzfD+LpEuBO89D1KfOAODlkWuuhzXS8yzi0=',
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
      module: 'helm.sh/helm/v3',
      command: 'cmd/helm',
      version: '3.21.4',
      pin: 'h1:T/GcIEXU/gNjJnkITlIZ3e9xqkZjhFTmISuStTZ6+Qg=',
      stamp: 'helm.sh/helm/v3/internal/version.version',
      quick: true,
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
      module: 'github.com/nektos/act',
      version: '0.2.89',
      pin: 'h1:d9oFeJ6jUkaVExuG+XzAaMPDqoDrNHaGeiRb8IU+N5w=',
      stamp: 'main.version',
      quick: true,
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
      module: 'github.com/rhysd/actionlint',
      command: 'cmd/actionlint',
      version: '1.7.12',
      pin: 'h1:vQ4GeJN86C0QH+gTUQcs8McmK62OLT3kmakPMtEWYnY=',
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
      module: 'github.com/yannh/kubeconform',
      command: 'cmd/kubeconform',
      version: '0.8.0',
      pin: 'h1:loDYd3a3spjIFrauqW67CDKF55Oo9R6uvC8AvpVd4ug=',
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
    name: 'verdaccio',
    programs: ['verdaccio'],
    minimum: '6.10.0',
    probe: ['--version'],
    source: {
      kind: 'npm-tree',
      package: 'verdaccio',
      version: '6.10.4',
      overrides: { 'node-fetch': '2.7.0' },
    },
  },
  kubernetes('kube-apiserver', 280),
  kubernetes('kubectl', 35, ['version', '--client']),
  kubernetes('kubelet', 150),
  kubernetes('kube-controller-manager', 90),
  kubernetes('kube-scheduler', 5),
  kubernetes('kube-proxy', 10),
  {
    // Not upstream's command, which has all plugins: see its main.go.
    name: 'coredns',
    programs: ['kubernetes-coredns'],
    minimum: '1.13.0',
    probe: ['-version'],
    source: {
      kind: 'go',
      module: 'github.com/coredns/coredns',
      main: 'coredns.go',
      version: '1.13.1',
      pin: 'h1:yhYvf/QVwHNjBK65RkC8d9VW91dP9XKem3BOon4eokg=',
      quick: true,
      seconds: 90,
    },
  },
  {
    // Reads compose files as Docker Compose does, without Docker.
    name: 'compose-config',
    programs: ['compose-config'],
    minimum: '2.16.0',
    probe: ['--version'],
    source: {
      kind: 'go',
      module: 'github.com/compose-spec/compose-go/v2',
      main: 'compose-config.go',
      version: '2.16.0',
      pin: 'h1:OIpAl09WG3JZpfSfj782vK+n1EM/+K70JhfbsQWFGgw=',
      stamp: 'main.version',
      quick: true,
      seconds: 15,
    },
  },
  {
    // Not upstream's command, which has all components: see its main.go.
    name: 'otelcol',
    programs: ['otelcol'],
    minimum: '0.165.0',
    probe: ['--version'],
    source: {
      kind: 'go',
      module: 'go.opentelemetry.io/collector/otelcol',
      main: 'main.go',
      version: '0.165.0',
      pin: { folder: 'otelcol' },
      stamp: 'main.version',
      quick: true,
      seconds: 35,
    },
  },
  {
    name: 'nats-server',
    programs: ['nats-server'],
    minimum: '2.12.0',
    probe: ['--version'],
    source: {
      kind: 'go',
      module: 'github.com/nats-io/nats-server/v2',
      version: '2.15.2',
      pin: 'h1:yLsgt2kslgymvxvjFq1WGWck5hkat2YYfbXvQ145tzU=',
      quick: true,
      seconds: 25,
    },
  },
  {
    // The package would start a service where there is an init system.
    name: 'containerd',
    programs: ['containerd'],
    minimum: '1.6.0',
    probe: ['--version'],
    source: { kind: 'debian', package: 'containerd', unpack: 'usr/bin/containerd' },
  },
  {
    name: 'containerd-shim',
    programs: ['containerd-shim-runc-v2'],
    minimum: '1.6.0',
    probe: ['-v'],
    pattern: /Version:\s+v?(\d+\.\d+\.\d+)/,
    source: { kind: 'debian', package: 'containerd', unpack: 'usr/bin/containerd-shim-runc-v2' },
  },
  {
    // Files beside it are the others.
    name: 'cni-plugins',
    programs: ['cni-ptp'],
    files: ['/usr/lib/cni/ptp'],
    minimum: '0',
    probe: null,
    source: { kind: 'debian', package: 'containernetworking-plugins' },
  },
  {
    name: 'iptables',
    programs: ['iptables'],
    minimum: '1.8.0',
    probe: ['--version'],
    source: { kind: 'debian', package: 'iptables' },
  },
  {
    name: 'ip',
    programs: ['ip'],
    minimum: '5.10.0',
    probe: ['-V'],
    pattern: /iproute2-(\d+\.\d+(?:\.\d+)?)/,
    source: { kind: 'debian', package: 'iproute2' },
  },
  {
    name: 'argocd',
    programs: ['argocd'],
    minimum: '3.0.20',
    below: '3.1.0',
    probe: ['version', '--client'],
    source: {
      kind: 'go',
      module: 'github.com/argoproj/argo-cd/v3',
      command: 'cmd',
      version: '3.0.20',
      pin: 'h1:a3I5qiQG3Ka64fgC0fR8ww+/4s9b3ItiD3+O3j4xVaQ=',
      stamp: 'github.com/argoproj/argo-cd/v3/common.version',
      quick: true,
      seconds: 300,
    },
  },
  {
    name: 'kyverno',
    programs: ['kyverno', 'kubectl-kyverno'],
    minimum: '1.19.1',
    below: '1.20.0',
    probe: ['version'],
    source: {
      kind: 'go',
      module: 'github.com/kyverno/kyverno',
      command: 'cmd/cli/kubectl-kyverno',
      version: '1.19.1',
      pin: 'h1:/MkgFii3/VlQfKR1JpC9tVwNNVNQTt2S4U6qCsafsTU=',
      stamp: 'github.com/kyverno/kyverno/pkg/version.BuildVersion',
      quick: true,
      seconds: 280,
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
