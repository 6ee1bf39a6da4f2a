import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A fake monit's state of one process; the numbers are the real monit's. */
export interface FakeProcess {
  name: string;
  status: number;
  monitor: number;
  pendingAction: number;
  pid?: number;
  uptimeSeconds?: number;
}

/** Other checks of a fake monit: a file, a filesystem, a host. */
export interface FakeService {
  readonly name: string;
  readonly type: number;
  readonly status: number;
  readonly monitor: number;
  /** As sent: monit escapes nothing. */
  readonly message?: string;
  /** Default true. */
  readonly inGroup?: boolean;
}

/** A monit for what the real one here cannot produce: other ages, actions that are accepted and ignored. */
export interface FakeMonit {
  readonly url: string;
  readonly processes: FakeProcess[];
  /** `GET /_status2`, `POST /doppler restart` */
  readonly requests: string[];
  readonly close: () => Promise<void>;
}

export interface FakeMonitOptions {
  readonly processes: FakeProcess[];
  readonly others?: readonly FakeService[];
  /** Sends only this many bytes of each status, then closes the connection. */
  readonly cutAt?: number;
  /** Accepts requests without responding. */
  readonly isSilent?: boolean;
  /**
   * 5.2.5 of BOSH's stemcells has no CSRF token and responds to an action with the page itself; 5.33
   * redirects to it. Default 5.33.
   */
  readonly version?: '5.2.5' | '5.33.0';
  /** The parts of the status to send: the first, the second, or both like the real one. Default both. */
  readonly dialects?: readonly (1 | 2)[];
  /** The effect of an action; default none. Its result is the response status, if it returns one. */
  readonly onOrder?: (process: FakeProcess, action: string) => number | undefined;
}

export async function startFakeMonit(options: FakeMonitOptions): Promise<FakeMonit> {
  const { processes, others = [], version = '5.33.0', dialects = [1, 2], onOrder } = options;
  const requests: string[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
      const form = new URLSearchParams(Buffer.concat(chunks).toString());
      const { pathname } = new URL(request.url ?? '/', 'http://monit');
      requests.push([request.method, pathname, form.get('action')].filter(Boolean).join(' '));
      if (options.isSilent) return;
      const isXml = pathname === '/_status' || pathname === '/_status2';
      const token = version === '5.2.5' ? {} : { 'set-cookie': TOKEN_COOKIE };
      const finish = (status: number, body: string): void => {
        const bytes = Buffer.from(body, 'latin1');
        const type = isXml ? 'text/xml' : 'text/html';
        response.writeHead(status, { 'content-type': type, 'content-length': bytes.length, ...token });
        if (!isXml || options.cutAt === undefined) response.end(bytes);
        else response.write(bytes.subarray(0, options.cutAt), () => response.socket?.end());
      };
      if (isXml) {
        const dialect = pathname === '/_status' ? 1 : 2;
        return dialects.includes(dialect)
          ? finish(200, statusText(processes, version, dialect, others))
          : finish(404, '<html>There is no service named</html>');
      }
      const process = processes.find(({ name }) => `/${name}` === pathname);
      if (!process) return finish(404, '<html>There is no service named</html>');
      if (version !== '5.2.5' && !(request.headers.cookie === TOKEN && form.get('securitytoken') === SECRET))
        return finish(403, '<html>Invalid CSRF Token</html>');
      const answer = onOrder?.(process, form.get('action') ?? '');
      finish(answer ?? (version === '5.2.5' ? 200 : 302), '<html></html>');
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    processes,
    requests,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const SECRET = '9e1c86058470e94cd1218c8a359c633f';
const TOKEN = `securitytoken=${SECRET}`;
const TOKEN_COOKIE = `${TOKEN}; Max-Age=600; HttpOnly; SameSite=strict`;

/** In the format of monit 5.33. A process has a pid only if it exists and is monitored. */
export function statusText(
  processes: readonly FakeProcess[],
  version: string,
  dialect: 1 | 2,
  others: readonly FakeService[] = [],
): string {
  const system: FakeService = { name: 'system_localhost', type: 5, status: 0, monitor: 1, inGroup: false };
  const hasSystem = others.some(({ type }) => type === 5);
  const services = [
    ...processes.map((one) =>
      serviceText(dialect, one.name, 3, `${stateText(one)}${one.pid === undefined ? '' : pidText(one)}`),
    ),
    ...[...others, ...(hasSystem ? [] : [system])].map((one) =>
      serviceText(dialect, one.name, one.type, stateText({ ...one, pendingAction: 0 })),
    ),
  ].join('');
  const head = '<?xml version="1.0" encoding="ISO-8859-1"?>\n';
  if (dialect === 1)
    return `${head}<monit><server><id>1</id><incarnation>1480000000</incarnation><version>${version}</version></server><platform><name>Linux</name></platform>${services}</monit>`;
  const members = [...processes, ...others.filter(({ inGroup = true }) => inGroup)]
    .map(({ name }) => `<service>${name}</service>`)
    .join('');
  return `${head}<monit id="1" incarnation="1480000000" version="${version}"><server><uptime>9</uptime></server><platform><name>Linux</name></platform><services>${services}</services><servicegroups><servicegroup name="vcap">${members}</servicegroup></servicegroups></monit>`;
}

function serviceText(dialect: 1 | 2, name: string, type: number, facts: string): string {
  return dialect === 1
    ? `<service type="${type}"><name>${name}</name>${facts}</service>`
    : `<service name="${name}"><type>${type}</type>${facts}</service>`;
}

function stateText(one: {
  readonly status: number;
  readonly monitor: number;
  readonly pendingAction: number;
  readonly message?: string;
}): string {
  return [
    '<collected_sec>1480000000</collected_sec><collected_usec>1</collected_usec>',
    `<status>${one.status}</status><status_hint>0</status_hint>`,
    one.message === undefined ? '' : `<status_message>${one.message}</status_message>`,
    `<monitor>${one.monitor}</monitor><monitormode>0</monitormode><pendingaction>${one.pendingAction}</pendingaction>`,
  ].join('');
}

function pidText({ pid, uptimeSeconds = 0 }: FakeProcess): string {
  return `<pid>${pid}</pid><ppid>1</ppid><uptime>${uptimeSeconds}</uptime>`;
}
