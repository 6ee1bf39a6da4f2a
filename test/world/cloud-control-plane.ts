import type { SpokenAnswer } from '../cases/case-file.ts';
import { serveBroker } from '../cases/serve-broker.ts';
import { serveDatabase } from '../cases/serve-database.ts';
import { CHATTY, LOST_BASE } from './hypervisor-instances.ts';
import { startOpenStack } from './openstack/cloud.ts';
import { agentObject, networkObject, portObject, serverObject, serviceObject } from './openstack/objects.ts';
import type { CloudObject } from './openstack/protocol.ts';

/** The OpenStack above the hypervisors of the demo, with its message queues and its database, on loopback. */
export interface CloudControlPlane {
  /** As configured in `wrench.yaml`. */
  readonly sources: readonly object[];
  readonly close: () => Promise<void>;
}

const COMPUTES = ['cmp-11', 'cmp-12', 'cmp-13'];
/** Its ports were disabled by a switch. */
const DOWN = 'cmp-13';
const DOWN_MS_AGO = 12 * 60_000;
const CONTROLLERS = ['ctl-1', 'ctl-2', 'ctl-3'];
const NETWORK = '7d1c0a52-3e44-4a51-9a0c-6a3a0d6f7781';
const USER = { username: 'wrench', password: 'demo' };

export async function startCloudControlPlane(): Promise<CloudControlPlane> {
  const now = new Date();
  const [cloud, broker, database] = await Promise.all([
    startOpenStack(cloudContent(now)),
    serveBroker(brokerAnswers()),
    serveDatabase(databaseAnswers(), () => new Date()),
  ]);
  return {
    sources: [
      {
        kind: 'openstack',
        name: 'openstack',
        authUrl: cloud.authUrl,
        auth: { applicationCredential: cloud.addCredential() },
        allow: { disable: {} },
      },
      { kind: 'rabbitmq', name: 'rabbitmq', urls: [broker.url], user: USER },
      { kind: 'mysql', name: 'nova-db', host: '127.0.0.1', port: database.port, user: USER },
    ],
    close: async () => {
      await Promise.all([cloud.close(), broker.close(), database.close()]);
    },
  };
}

/** Services that are up report every 10 s, for as long as the demo runs. */
function reporting(service: CloudObject): CloudObject {
  return Object.defineProperty(service, 'updated_at', {
    enumerable: true,
    get: () => stampOf(Date.now() - 5_000),
  });
}

/** As Nova writes it: in UTC, without a zone. */
function stampOf(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000');
}

function cloudContent(now: Date) {
  const stamp = (msAgo: number): string => stampOf(now.getTime() - msAgo);
  const server = (name: string, host: string, fields: object) =>
    serverObject(name, { 'OS-EXT-SRV-ATTR:host': host, tenant_id: 'p-ci', user_id: 'u-ci-4', ...fields });
  return {
    networks: [networkObject('blue', { id: NETWORK })],
    ports: [
      portObject('fa:16:3e:5c:01:9a', {
        network_id: NETWORK,
        device_id: 'server-web-1',
        'binding:host_id': 'cmp-11',
      }),
    ],
    agents: [agentObject('net-1', { heartbeat_timestamp: stamp(10_000).replace('T', ' ') })],
    servers: [
      server('web-1', 'cmp-11', {}),
      server(CHATTY.name, CHATTY.host, {
        id: CHATTY.id,
        'OS-EXT-SRV-ATTR:instance_name': 'instance-000012aa',
      }),
      server(LOST_BASE.name, LOST_BASE.host, {
        id: LOST_BASE.id,
        image: { id: LOST_BASE.image },
        'OS-EXT-SRV-ATTR:instance_name': 'instance-0000091c',
      }),
    ],
    services: [
      ...CONTROLLERS.flatMap((host) => [
        reporting(serviceObject('nova-conductor', host)),
        reporting(serviceObject('nova-scheduler', host)),
      ]),
      ...COMPUTES.map((host) =>
        host === DOWN
          ? serviceObject('nova-compute', host, { state: 'down', updated_at: stamp(DOWN_MS_AGO) })
          : reporting(serviceObject('nova-compute', host)),
      ),
    ],
  };
}

/** No one reads the notifications in the newer format. */
function brokerAnswers(): readonly SpokenAnswer[] {
  const node = 'rabbit@ctl-1';
  const get = (path: string, json: unknown): SpokenAnswer => ({ of: 'rabbitmq', ask: `GET ${path}`, json });
  const queue = (name: string, messages: number, consumers: number, perSecond: number) => ({
    name,
    vhost: '/',
    type: 'classic',
    node,
    state: 'running',
    durable: true,
    messages,
    messages_ready: messages,
    messages_unacknowledged: 0,
    consumers,
    message_bytes: messages * 5_000,
    messages_details: { rate: perSecond },
  });
  return [
    get('/api/overview', {
      node,
      cluster_name: 'demo',
      rabbitmq_version: '3.13.7',
      disable_stats: false,
      object_totals: { connections: 214, channels: 230, queues: 4, consumers: 30 },
      queue_totals: { messages: 1_893_324 },
    }),
    get('/api/nodes', [
      {
        name: node,
        running: true,
        uptime: 864_000_000,
        mem_used: 2_147_483_648,
        mem_limit: 13_421_772_800,
        mem_alarm: false,
        disk_free: 180_000_000_000,
        disk_free_limit: 50_000_000,
        disk_free_alarm: false,
        fd_used: 900,
        fd_total: 65_536,
        partitions: [],
        being_drained: false,
      },
    ]),
    get('/api/health/checks/alarms', { status: 'ok' }),
    get('/api/queues', [
      queue('versioned_notifications.info', 1_893_322, 0, 6.1),
      queue('notifications.info', 2, 2, 0),
      queue('conductor', 0, 24, 0),
      queue('scheduler', 0, 6, 0),
    ]),
  ];
}

function databaseAnswers(): readonly SpokenAnswer[] {
  const select = (database: string, ask: string, ...json: readonly object[]): SpokenAnswer => ({
    of: `mariadb ${database}`,
    ask,
    json,
  });
  return [
    select(
      'nova',
      'SELECT SUM(deleted<>0), SUM(deleted=0), SUM(deleted<>0 AND deleted_at < NOW()-INTERVAL 1 YEAR), MIN(deleted_at) FROM instances',
      { deleted: 61_240, live: 1_904, older: 38_811, oldest: '2022-02-17 08:11:40' },
    ),
    select('nova', 'SELECT SUM(deleted<>0), COUNT(*) FROM instance_system_metadata', {
      deleted: 2_114,
      all: 1_312_877,
    }),
    select(
      'information_schema',
      "SELECT table_name, table_rows, data_length FROM tables WHERE table_schema='nova'",
      { table_name: 'instances', table_rows: 60_118, data_length: 188_743_680 },
      { table_name: 'instance_system_metadata', table_rows: 1_290_003, data_length: 251_658_240 },
    ),
  ];
}
