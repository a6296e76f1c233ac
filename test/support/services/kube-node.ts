import { existsSync } from 'node:fs';
import { access, constants, mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect } from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { joinRepository } from '../../../src/oci/reference.ts';
import { ToolMissing, tool } from '../../tools/locate.ts';
import { pushShell } from './base-images.ts';
import type { Kube } from './kube.ts';
import { accepts, firstLine, IN, listen, OUT, relay, relayTo } from './kube-node-relay.ts';
import {
  inFolder,
  logTail,
  type Program,
  removeFolder,
  type Service,
  startProgram,
  stopper,
  untilReady,
} from './service.ts';

/** Address of a node in its own network, which pods reach it by. The API server advertises it. */
export const NODE_ADDRESS = '10.243.0.1';
const PODS = '10.244.0.0/24';

/**
 * A node of a cluster: kubelet, containerd and kube-proxy of their own network, mounts and processes, of which nothing is
 * left when the first process ends, and CoreDNS for the names of services. Pods reach this machine's loopback ports that
 * were exposed, and nothing else of any network. No network plugin here holds a NetworkPolicy.
 */
export interface KubeNode extends Service {
  /** Lets pods reach a server on loopback; its URL as they know it. */
  expose(url: string): Promise<string>;
  /** A loopback URL of `host:port` in the cluster; `host` may be the name of a service. */
  reach(target: string): Promise<string>;
  /** What a container of a pod has written, all of its runs. */
  log(namespace: string, pod: string): Promise<string>;
}

export interface KubeNodeOptions {
  /** `127.0.0.1:PORT` of the registry that images are pulled from. */
  readonly registry: string;
}

/** Values of the kernel that a kubelet sets for the whole machine: it finds them set, and changes nothing. */
const KERNEL = {
  'vm/overcommit_memory': 1,
  'vm/panic_on_oom': 0,
  'kernel/panic': 10,
  'kernel/panic_on_oops': 1,
  'kernel/keys/root_maxkeys': 1_000_000,
  'kernel/keys/root_maxbytes': 25_000_000,
};

/** What groups of processes are called, before the id of this process and a number. */
const GROUP = 'primitive-node-';

let nodes = 0;

/** Starts a node of a cluster that has controllers; returns once it is ready. */
export function startKubeNode(kube: Kube, { registry }: KubeNodeOptions): Promise<KubeNode> {
  return inFolder('node', async (folder) => {
    const hierarchies = await requirements();
    await sweep(hierarchies);
    const cgroup = `${GROUP}${process.pid}-${++nodes}`;
    const programs: Program[] = [];
    const servers: { close(): void }[] = [];
    let holder: Program | undefined;
    const stop = stopper(
      ...[0, 1, 2, 3, 4].map((index) => () => programs[index]?.stop()),
      // The first process of the namespaces: all others end with it.
      () => holder?.stop(),
      async () => {
        for (const server of servers) server.close();
      },
      () => removeCgroups(hierarchies.map((hierarchy) => join(hierarchy, cgroup))),
      () => removeFolder(folder),
    );
    try {
      for (const hierarchy of hierarchies) await makeCgroup(hierarchy, cgroup);
      holder = await holdNamespaces(folder);
      const { pid } = holder;
      const network = [`--net=/proc/${pid}/ns/net`];
      const own = [...network, `--mount=/proc/${pid}/ns/mnt`, `--pid=/proc/${pid}/ns/pid_for_children`];
      const start = (name: string, namespaces: readonly string[], command: readonly string[]) => {
        const path = ['containerd', 'containerd-shim', 'runc', 'iptables'].map((each) => dirname(tool(each)));
        const program = startProgram('nsenter', [...namespaces, '--', ...command], {
          folder,
          name,
          env: { PATH: [...path, process.env.PATH].join(delimiter), TMPDIR: '/run' },
        });
        programs.push(program);
        return program;
      };

      const exposed = new Set<string>();
      servers.push(
        await listen({ path: join(folder, OUT) }, async (socket) => {
          const port = await firstLine(socket);
          if (!exposed.has(port)) return socket.destroy();
          return relay(socket, connect({ port: Number(port), host: '127.0.0.1', allowHalfOpen: true }));
        }),
      );
      const relayScript = join(import.meta.dirname, 'kube-node-relay.ts');
      const relaying = start('relay', network, [process.execPath, relayScript, folder, NODE_ADDRESS]);
      await untilReady(relaying, () => accepts(join(folder, IN)));
      const expose = async (port: string) => {
        if (exposed.has(port)) return;
        exposed.add(port);
        const control = connect({ path: join(folder, IN) });
        control.end(`listen ${port}\n`);
        const answer = await firstLine(control);
        if (answer !== 'ok')
          throw new Error(`port ${port} is taken in the node\n${logTail(relaying.logFile)}`);
      };
      await Promise.all([kube.address.port, registry.split(':')[1] ?? ''].map(expose));

      // What the containers of a pod share belongs to a process that does nothing.
      const idle = { Entrypoint: ['/bin/sleep', 'infinity'], User: '65532' };
      const sandbox = await pushShell(joinRepository(registry, 'bases/sandbox'), idle);
      await writeConfigurations(folder, { kube, cgroup, sandbox });
      const file = (name: string) => join(folder, name);
      const containerd = start('containerd', own, [
        tool('containerd'),
        `--config=${file('containerd.toml')}`,
      ]);
      start('coredns', network, [tool('coredns'), `-conf=${file('Corefile')}`]);
      start('kube-proxy', own, [tool('kube-proxy'), `--config=${file('kube-proxy.json')}`]);
      await untilReady(containerd, async () =>
        (await readFile(containerd.logFile, 'utf8')).includes('containerd successfully booted'),
      );
      const kubelet = start('kubelet', own, [
        tool('kubelet'),
        `--config=${file('kubelet.json')}`,
        `--kubeconfig=${kube.kubeconfig}`,
        `--root-dir=${file('kubelet')}`,
        `--cert-dir=${file('kubelet-certificates')}`,
        '--hostname-override=node',
        `--node-ip=${NODE_ADDRESS}`,
      ]);
      await Promise.race([untilReady(kubelet, () => isReady(kube)), ...programs.map(({ failed }) => failed)]);
      return {
        expose: async (url) => {
          const { port } = new URL(url);
          await expose(port);
          return url.replace(/127\.0\.0\.1|localhost/, NODE_ADDRESS);
        },
        reach: async (target) => {
          const server = await listen({ host: '127.0.0.1', port: 0 }, (socket) =>
            relayTo(join(folder, IN), `connect ${target}`, socket),
          );
          servers.push(server);
          return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
        },
        log: (namespace, pod) => logOf(join(folder, 'pods'), namespace, pod),
        stop,
        [Symbol.asyncDispose]: stop,
      };
    } catch (error) {
      const logs = programs.map(({ logFile }) => `--- ${logFile}\n${logTail(logFile)}`);
      await stop();
      throw new Error(`a Kubernetes node does not start: ${error}\n${logs.join('\n')}`, { cause: error });
    }
  });
}

/** The programs of a node. */
export const NODE_PROGRAMS = [
  ...['containerd', 'containerd-shim', 'runc', 'iptables', 'ip', 'cni-plugins'],
  ...['kubelet', 'kube-proxy', 'coredns'],
];

/** What a node takes; throws for what is missing. The folders below which its groups of processes are. */
async function requirements(): Promise<readonly string[]> {
  const missing = (why: string, how: string) =>
    new ToolMissing('node', `a Kubernetes node needs ${why}`, how);
  if (process.platform !== 'linux') throw missing('Linux', 'run the tests on Linux');
  if (process.getuid?.() !== 0) throw missing('root', 'run the tests as root');
  for (const name of NODE_PROGRAMS) tool(name);
  if (!/\boverlay$/m.test(await readFile('/proc/filesystems', 'utf8')))
    throw missing('overlayfs', 'modprobe overlay');
  const hierarchies = isUnified()
    ? [CGROUPS]
    : (await readdir(CGROUPS))
        .map((name) => join(CGROUPS, name))
        .filter((path) => existsSync(join(path, 'cgroup.procs')));
  for (const path of hierarchies.length > 0 ? hierarchies : [CGROUPS])
    await access(path, constants.W_OK).catch(() => {
      throw missing(
        `${path} for writing`,
        'run the tests on the machine itself, or in a privileged container',
      );
    });
  return hierarchies;
}

const CGROUPS = '/sys/fs/cgroup';

/** Whether the machine has cgroups v2 alone, which is one hierarchy. */
function isUnified(): boolean {
  return existsSync(join(CGROUPS, 'cgroup.controllers'));
}

/** Makes the group of a node. In cgroups v2 a group has the controllers that each one above it hands down. */
async function makeCgroup(hierarchy: string, name: string): Promise<void> {
  await mkdir(join(hierarchy, name));
  if (!isUnified()) return;
  for (const path of [hierarchy, join(hierarchy, name)]) {
    const wanted = ['cpuset', 'cpu', 'memory', 'pids'].map((controller) => `+${controller}`);
    await writeFile(join(path, 'cgroup.subtree_control'), wanted.join(' '));
  }
}

/** Starts what keeps the namespaces: the kernel ends all that is in them with it, also if this process is killed. */
async function holdNamespaces(folder: string): Promise<Program> {
  await mkdir(join(folder, 'kernel'));
  const mounts: string[] = [];
  for (const [name, value] of Object.entries(KERNEL)) {
    const file = join(folder, 'kernel', name.replaceAll('/', '.'));
    await writeFile(file, `${value}\n`);
    mounts.push(`mount --bind ${file} /proc/sys/${name}`);
  }
  const script = [
    'set -e',
    // What programs of a node write where they are not told another place.
    'for folder in /run /var/lib /var/log; do mount -t tmpfs tmpfs $folder; done',
    ...mounts,
    'ip link set lo up',
    // An interface that leads nowhere; not every kernel has the type `dummy`.
    'ip link add node type veth peer name nowhere',
    `ip address add ${NODE_ADDRESS}/32 dev node`,
    'ip link set nowhere up',
    'ip link set node up',
    'ip route add default dev node',
    'echo 1 > /proc/sys/net/ipv4/ip_forward',
    `touch ${join(folder, 'held')}`,
    // It takes in what has lost its parent.
    'while :; do sleep 3600 & wait $!; done',
  ];
  const death = ['setpriv', '--pdeathsig', 'KILL', '--'];
  const unshare = ['unshare', '--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const [program = '', ...args] = [...death, ...unshare, 'bash', '-c', script.join('\n')];
  const path = `${dirname(tool('ip'))}${delimiter}${process.env.PATH}`;
  const holder = startProgram(program, args, { folder, name: 'holder', env: { PATH: path } });
  await untilReady(holder, async () => existsSync(join(folder, 'held')));
  return { ...holder, stop: () => killHolder(holder) };
}

/** `unshare` does not end on SIGTERM. */
async function killHolder(holder: Program): Promise<void> {
  const stopped = holder.stop();
  process.kill(holder.pid, 'SIGKILL');
  await stopped;
}

async function writeConfigurations(
  folder: string,
  { kube, cgroup, sandbox }: { readonly kube: Kube; readonly cgroup: string; readonly sandbox: string },
): Promise<void> {
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  const socket = '/run/containerd/containerd.sock';
  const network = join(folder, 'cni');
  const resolver = join(folder, 'resolv.conf');
  await mkdir(network);
  const files = {
    'containerd.toml': [
      'version = 2',
      `root = "${join(folder, 'containerd')}"`,
      'state = "/run/containerd"',
      `[grpc]\naddress = "${socket}"`,
      `[${cri}]`,
      `sandbox_image = "${sandbox}"`,
      'disable_apparmor = true',
      // A lower score than that of the parent takes a capability which not every root has.
      'restrict_oom_score_adj = true',
      `[${cri}.containerd.runtimes.runc]\nruntime_type = "io.containerd.runc.v2"`,
      `[${cri}.containerd.runtimes.runc.options]\nBinaryName = "${tool('runc')}"`,
      `[${cri}.cni]\nbin_dir = "${dirname(tool('cni-plugins'))}"\nconf_dir = "${network}"`,
    ].join('\n'),
    'cni/node.conflist': JSON.stringify({
      cniVersion: '1.0.0',
      name: 'node',
      plugins: [
        {
          type: 'ptp',
          ipMasq: false,
          ipam: {
            type: 'host-local',
            dataDir: '/run/cni',
            ranges: [[{ subnet: PODS }]],
            routes: [{ dst: '0.0.0.0/0' }],
          },
        },
        { type: 'portmap', capabilities: { portMappings: true } },
      ],
    }),
    'resolv.conf': '',
    Corefile: [
      '.:53 {',
      `bind ${NODE_ADDRESS}`,
      'errors',
      'ready 127.0.0.1:8181',
      `kubernetes cluster.local { \n kubeconfig ${kube.kubeconfig} lab\n ttl 1\n}`,
      '}\n',
    ].join('\n'),
    'kube-proxy.json': JSON.stringify({
      apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
      kind: 'KubeProxyConfiguration',
      mode: 'iptables',
      clusterCIDR: PODS,
      hostnameOverride: 'node',
      clientConnection: { kubeconfig: kube.kubeconfig },
      // Of the whole machine, and not for one network to change.
      conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
    }),
    'kubelet.json': JSON.stringify({
      apiVersion: 'kubelet.config.k8s.io/v1beta1',
      kind: 'KubeletConfiguration',
      address: '127.0.0.1',
      authentication: { anonymous: { enabled: false }, webhook: { enabled: false } },
      authorization: { mode: 'AlwaysAllow' },
      containerRuntimeEndpoint: `unix://${socket}`,
      // Kubernetes 1.35 and newer start on cgroups v1 only where that is said.
      ...(!isUnified() && { failCgroupV1: false }),
      failSwapOn: false,
      cgroupDriver: 'cgroupfs',
      cgroupRoot: `/${cgroup}`,
      enforceNodeAllocatable: [],
      // The disk of this machine is everybody's.
      evictionHard: { 'nodefs.available': '0%', 'imagefs.available': '0%', 'nodefs.inodesFree': '0%' },
      imageGCHighThresholdPercent: 100,
      localStorageCapacityIsolation: false,
      clusterDNS: [NODE_ADDRESS],
      clusterDomain: 'cluster.local',
      resolvConf: resolver,
      podLogsDir: join(folder, 'pods'),
      volumePluginDir: join(folder, 'volume-plugins'),
      serializeImagePulls: false,
      registryPullQPS: 0,
    }),
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
}

interface NodeObject {
  readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

async function isReady(kube: Kube): Promise<boolean> {
  const [node] = await kube.get<NodeObject>('api/v1/nodes');
  return node?.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

/** The kubelet has a folder `<namespace>_<pod>_<uid>/<container>` for each, with a file for each run. */
async function logOf(folder: string, namespace: string, pod: string): Promise<string> {
  const paths = await readdir(folder, { recursive: true });
  const own = paths.filter((path) => path.startsWith(`${namespace}_${pod}_`) && path.endsWith('.log')).sort();
  const texts = await Promise.all(own.map((path) => readFile(join(folder, path), 'utf8')));
  // Each line begins with its time, stream and a tag (CRI, "Logging").
  return texts.join('').replace(/^\S+ (?:stdout|stderr) [FP] /gm, '');
}

/** Removes the groups of tests that were killed. */
async function sweep(hierarchies: readonly string[]): Promise<void> {
  for (const hierarchy of hierarchies) {
    const left = (await readdir(hierarchy)).filter((name) => {
      const [pid] = name.startsWith(GROUP) ? name.slice(GROUP.length).split('-') : [];
      return pid !== undefined && !existsSync(join('/proc', pid));
    });
    await removeCgroups(left.map((name) => join(hierarchy, name)));
  }
}

/** Groups go from the innermost outwards, once their last process has ended. */
async function removeCgroups(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    if (!existsSync(path)) continue;
    const children = (await readdir(path, { withFileTypes: true })).filter((entry) => entry.isDirectory());
    await removeCgroups(children.map(({ name }) => join(path, name)));
    for (let attempt = 1; ; attempt++) {
      try {
        await rmdir(path);
        break;
      } catch (error) {
        if (attempt === 50) throw error;
        await sleep(100);
      }
    }
  }
}
