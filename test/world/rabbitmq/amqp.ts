import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** As much of a client as tests need: https://www.rabbitmq.com/resources/specs/amqp0-9-1.pdf */
export interface AmqpClient {
  /** Publishes the same payload several times through the default exchange. Resolves once the server has taken all. */
  readonly publish: (queue: string, payload: string, times: number) => Promise<void>;
  /** Becomes a consumer that takes one message and doesn't acknowledge it. */
  readonly consume: (queue: string) => Promise<void>;
  readonly close: () => void;
}

const [METHOD, HEADER, BODY] = [1, 2, 3];
const FRAME_END = 0xce;
const CONNECTION = {
  start: [10, 10],
  startOk: [10, 11],
  tune: [10, 30],
  tuneOk: [10, 31],
  open: [10, 40],
  openOk: [10, 41],
} as const;
const CHANNEL = { open: [20, 10], openOk: [20, 11] } as const;
const BASIC = {
  class: 60,
  qos: [60, 10],
  qosOk: [60, 11],
  consume: [60, 20],
  consumeOk: [60, 21],
  publish: [60, 40],
} as const;
const CONFIRM = { select: [85, 10], selectOk: [85, 11] } as const;
const BASIC_ACK = [60, 80] as const;

type Id = readonly [number, number];

/** Connects to the virtual host `/`. */
export async function openAmqp(
  port: number,
  { username, password }: { readonly username: string; readonly password: string },
): Promise<AmqpClient> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const next = readMethods(socket);
  socket.write('AMQP\0\0\x09\x01');
  await next(CONNECTION.start);
  const login = method(
    CONNECTION.startOk,
    long(0),
    short('PLAIN'),
    longText(`\0${username}\0${password}`),
    short('en_US'),
  );
  socket.write(frame(METHOD, 0, login));
  await next(CONNECTION.tune);
  // Channels, bytes of a frame, and no heartbeats.
  socket.write(frame(METHOD, 0, method(CONNECTION.tuneOk, word(1), long(131_072), word(0))));
  socket.write(frame(METHOD, 0, method(CONNECTION.open, short('/'), short(''), Buffer.of(0))));
  await next(CONNECTION.openOk);
  const send = (id: Id, ...fields: readonly Buffer[]) =>
    socket.write(frame(METHOD, 1, method(id, ...fields)));
  send(CHANNEL.open, short(''));
  await next(CHANNEL.openOk);
  send(CONFIRM.select, Buffer.of(0));
  await next(CONFIRM.selectOk);
  let published = 0;
  return {
    publish: async (queue, payload, times) => {
      const body = Buffer.from(payload);
      const message = Buffer.concat([
        frame(METHOD, 1, method(BASIC.publish, word(0), short(''), short(queue), Buffer.of(0))),
        frame(HEADER, 1, Buffer.concat([word(BASIC.class), word(0), long(0), long(body.length), word(0)])),
        frame(BODY, 1, body),
      ]);
      socket.write(Buffer.concat(Array.from({ length: times }, () => message)));
      published += times;
      for (let last = 0; last < published;) last = Number((await next(BASIC_ACK)).readBigUInt64BE(4));
    },
    consume: async (queue) => {
      send(BASIC.qos, long(0), word(1), Buffer.of(0));
      await next(BASIC.qosOk);
      send(BASIC.consume, word(0), short(queue), short(''), Buffer.of(0), long(0));
      await next(BASIC.consumeOk);
    },
    close: () => socket.destroy(),
  };
}

/** Returns how to wait for a method; others, and the content of messages, are skipped. */
function readMethods(socket: Socket): (id: Id) => Promise<Buffer> {
  const methods: Buffer[] = [];
  let waiting: { readonly id: Id; readonly found: PromiseWithResolvers<Buffer> } | undefined;
  let rest = Buffer.alloc(0);
  const isOf = (payload: Buffer, id: Id): boolean =>
    payload.readUInt16BE(0) === id[0] && payload.readUInt16BE(2) === id[1];
  const check = (): void => {
    while (waiting && methods.length > 0) {
      const payload = methods.shift()!;
      if (!isOf(payload, waiting.id)) continue;
      waiting.found.resolve(payload);
      waiting = undefined;
    }
  };
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 7 && rest.length >= 8 + rest.readUInt32BE(3)) {
      const end = 7 + rest.readUInt32BE(3);
      if (rest[0] === METHOD) methods.push(rest.subarray(7, end));
      rest = rest.subarray(end + 1);
    }
    check();
  });
  const fail = (error: Error): void => waiting?.found.reject(error);
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('RabbitMQ closed the connection')));
  return async (id) => {
    waiting = { id, found: Promise.withResolvers<Buffer>() };
    const { promise } = waiting.found;
    check();
    return promise;
  };
}

function frame(type: number | undefined, channel: number, payload: Buffer): Buffer {
  return Buffer.concat([
    Buffer.of(type ?? 0),
    word(channel),
    long(payload.length),
    payload,
    Buffer.of(FRAME_END),
  ]);
}

function method(id: Id, ...fields: readonly Buffer[]): Buffer {
  return Buffer.concat([word(id[0]), word(id[1]), ...fields]);
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

function long(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function short(text: string): Buffer {
  return Buffer.concat([Buffer.of(Buffer.byteLength(text)), Buffer.from(text)]);
}

function longText(text: string): Buffer {
  return Buffer.concat([long(Buffer.byteLength(text)), Buffer.from(text)]);
}
