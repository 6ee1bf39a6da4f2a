import { spawn } from 'node:child_process';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { namespaceOptions, openShell, sessionScript } from './hosts/shell-session.ts';

/** A DHCP client and its address. */
export interface DhcpClient {
  readonly mac: string;
  readonly address: string;
}

/** A real dnsmasq and two real dhclients, each in its own network namespace, on one bridge. */
export interface DhcpWorld {
  /** The log file of dnsmasq, in UTC. */
  readonly logPath: string;
  readonly healthy: DhcpClient;
  /** Its requests arrive; once `cutReplies` was called, no reply reaches it. */
  readonly deaf: DhcpClient;
  /** Resolves once this many lines of the log match. */
  readonly logged: (pattern: RegExp, count?: number) => Promise<void>;
  readonly cutReplies: () => Promise<void>;
  /** Starts the client again, without its lease. */
  readonly restartDeaf: () => Promise<void>;
  readonly close: () => Promise<void>;
}

const HEALTHY: DhcpClient = { mac: '02:16:3e:77:b0:02', address: '10.61.0.22' };
const DEAF: DhcpClient = { mac: '02:16:3e:5c:01:9a', address: '10.61.0.14' };
const SERVER_MAC = '02:16:3e:00:00:01';
/** The shortest lease of dnsmasq. A client renews it after half of it. */
const LEASE_SECONDS = 120;
/** When the client that becomes deaf renews: soon, so that no test waits for half a lease. */
const DEAF_RENEWS_AFTER_SECONDS = 4;

/** Sets the address, as the script of the distribution does. The server's MAC address stays known: a client that receives nothing can still renew. */
const CLIENT_SCRIPT = `#!/bin/sh
case $reason in
  PREINIT) ip link set "$interface" up ;;
  BOUND|RENEW|REBIND|REBOOT)
    ip address replace "$new_ip_address/24" dev "$interface"
    ip neighbor replace 10.61.0.1 lladdr ${SERVER_MAC} dev "$interface" ;;
esac
`;

/** Sends again after 1 to 2 seconds. */
const CLIENT_CONFIG = `initial-interval 1;
backoff-cutoff 2;
reboot 1;
timeout 300;
`;

/** Needs root, or a kernel that lets ordinary users create namespaces. */
export async function startDhcp(): Promise<DhcpWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-dhcp-'));
  const path = (name: string): string => join(folder, name);
  await writeFile(path('session.sh'), sessionScript(folder));
  await writeFile(path('client.sh'), CLIENT_SCRIPT, { mode: 0o755 });
  await writeFile(path('client.conf'), CLIENT_CONFIG);
  await writeFile(path('dnsmasq.log'), '');
  // At its usual path, a security policy of the system may keep it from the files of this test.
  await copyFile('/usr/sbin/dhclient', path('dhclient'));
  const shell = await openShell('unshare', [...namespaceOptions(), 'sh', path('session.sh')]);
  const { must } = shell;

  /** A namespace with one end of a cable, whose other end is a port of the bridge. */
  const plugIn = async (name: string, mac: string): Promise<void> => {
    await must(`unshare --net sleep infinity & echo $! >${path(name)}`);
    // The process exists before its namespace does.
    await must(
      `until [ "$(readlink /proc/$(cat ${path(name)})/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.02; done`,
    );
    await must(`ip link add ${name} address ${mac} type veth peer name port-${name}`);
    await must(`ip link set port-${name} master br0 up`);
    await must(`ip link set ${name} netns $(cat ${path(name)})`);
  };
  const inside = (name: string, command: string): string =>
    `nsenter --net=/proc/$(cat ${path(name)})/ns/net ${command}`;
  const startClient = async (name: string): Promise<void> => {
    const files = `-cf ${path('client.conf')} -sf ${path('client.sh')} -lf ${path(`${name}.leases`)} -pf ${path(`${name}.pid`)}`;
    await must(
      `${inside(name, `${path('dhclient')} -4 -d ${files} ${name}`)} & echo $! >${path(`${name}.job`)}`,
    );
  };

  await must('ip link set lo up');
  await must('ip link add br0 type bridge && ip link set br0 up');
  await plugIn('server', SERVER_MAC);
  await plugIn('healthy', HEALTHY.mac);
  await plugIn('deaf', DEAF.mac);
  await must(inside('server', 'ip address add 10.61.0.1/24 dev server'));
  await must(inside('server', 'ip link set server up'));
  const options = [
    // An ordinary user can't change to another user, as dnsmasq does otherwise.
    '--no-daemon --conf-file=/dev/null --port=0 --pid-file= --no-ping',
    `--interface=server --bind-interfaces --log-facility=${path('dnsmasq.log')}`,
    `--dhcp-leasefile=${path('dnsmasq.leases')} --dhcp-range=10.61.0.0,static,${LEASE_SECONDS}s`,
    `--dhcp-host=${HEALTHY.mac},${HEALTHY.address} --dhcp-host=${DEAF.mac},set:deaf,${DEAF.address}`,
    `--dhcp-option=tag:deaf,option:T1,${DEAF_RENEWS_AFTER_SECONDS}`,
  ];
  await must(`TZ=UTC ${inside('server', `dnsmasq ${options.join(' ')}`)} &`);

  const log = followLog(path('dnsmasq.log'));
  await log.logged(/static leases only on/);
  await startClient('healthy');
  await startClient('deaf');
  for (const { mac } of [HEALTHY, DEAF]) await log.logged(new RegExp(`DHCPACK\\(server\\) \\S+ ${mac}`));
  return {
    logPath: path('dnsmasq.log'),
    healthy: HEALTHY,
    deaf: DEAF,
    logged: log.logged,
    // Its address is forgotten, and packets to unknown addresses are not sent to its port.
    cutReplies: async () => {
      await must('bridge link set dev port-deaf flood off learning off');
      await must(
        'bridge fdb flush dev port-deaf 2>/dev/null || ip link set port-deaf type bridge_slave fdb_flush',
      );
    },
    restartDeaf: async () => {
      await must(
        `kill -9 $(cat ${path('deaf.job')}) $(cat ${path('deaf.pid')} 2>/dev/null); rm ${path('deaf.leases')}`,
      );
      await startClient('deaf');
    },
    close: async () => {
      log.close();
      await shell.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function followLog(path: string): Pick<DhcpWorld, 'logged'> & { readonly close: () => void } {
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  const tail = spawn('tail', ['-n', '+1', '-F', path], { stdio: ['ignore', 'pipe', 'ignore'] });
  createInterface({ input: tail.stdout }).on('line', (line) => {
    lines.push(line);
    for (const check of waiting) check();
  });
  return {
    logged: (pattern, count = 1) =>
      new Promise((resolve) => {
        const check = (): void => {
          if (lines.filter((line) => pattern.test(line)).length < count) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
    close: () => void tail.kill(),
  };
}
