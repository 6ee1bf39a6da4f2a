import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { readEnvironment } from '../../src/config/read-config.ts';
import { configSchema } from '../../src/config/schema.ts';
import { settingsSchema } from '../../src/config/settings.ts';
import { readEnv, readText, readYaml, ROOT, SLACK_SECRETS } from './tree.ts';

const seconds = z
  .string()
  .regex(/^\d+s$/)
  .transform((text) => Number.parseInt(text, 10));
const role = z.object({
  build: z.object({ context: z.literal('..'), dockerfile: z.string() }),
  command: z.array(z.string()),
  env_file: z.string(),
  environment: z.strictObject({ HEALTH_HOST: z.literal('0.0.0.0') }),
  init: z.literal(true),
  read_only: z.literal(true),
  cap_drop: z.tuple([z.literal('ALL')]),
  security_opt: z.tuple([z.literal('no-new-privileges:true')]),
  restart: z.literal('unless-stopped'),
  stop_grace_period: seconds,
  networks: z.array(z.string()),
  ports: z.undefined().optional(),
  volumes: z.array(z.string()),
  depends_on: z.object({ redis: z.object({ condition: z.literal('service_healthy') }) }),
});
const compose = z.object({
  services: z.strictObject({
    bot: role,
    worker: role,
    redis: z.object({
      command: z.array(z.string()),
      env_file: z.string(),
      networks: z.tuple([z.literal('queue')]),
      ports: z.undefined().optional(),
      volumes: z.array(z.string()),
    }),
  }),
  networks: z.record(z.string(), z.object({ internal: z.boolean().optional() })),
});
const { services, networks } = compose.parse(readYaml('deploy/compose.yaml'));
const { bot, worker, redis } = services;

test('each role runs its own command, in an image built from this repository', () => {
  expect([bot.command, worker.command]).toEqual([['bot'], ['worker']]);
  for (const { build } of [bot, worker]) expect(existsSync(`${ROOT}${build.dockerfile}`)).toBe(true);
});

test('the bot has no secrets of the infrastructure, and the worker none of Slack', () => {
  const [forBot, forWorker] = [readEnv('deploy/bot.env.example'), readEnv('deploy/worker.env.example')];

  expect([bot.env_file, worker.env_file, redis.env_file]).toEqual(['bot.env', 'worker.env', 'redis.env']);
  expect(Object.keys(forBot).filter((name) => !(name in settingsSchema.shape))).toEqual([]);
  expect(SLACK_SECRETS.filter((name) => name in forWorker)).toEqual([]);
  const named = readText('deploy/examples/wrench.yaml');
  expect(
    Object.keys(forWorker)
      .filter((name) => !(name in settingsSchema.shape))
      .filter((name) => !named.includes(`'\${${name}}'`)),
  ).toEqual([]);
  expect(Object.keys(forWorker)).toEqual(
    expect.arrayContaining(['VAULT_TOKEN', 'VAULT_RENEW_TOKEN', 'BOSH_SECRET', 'BOSH_ACT_SECRET']),
  );
});

test('the example environments of both roles are valid and use the Redis of the file', () => {
  for (const path of ['deploy/bot.env.example', 'deploy/worker.env.example']) {
    const { redisUrl = '' } = readEnvironment(readEnv(path));
    expect(new URL(redisUrl)).toMatchObject({
      hostname: 'redis',
      port: '6379',
      password: readEnv('deploy/redis.env.example')['REDIS_PASSWORD'],
    });
  }
});

test('git ignores files with secrets', () => {
  expect(readText('deploy/.gitignore').split('\n')).toContain('*.env');
});

test('Redis persists writes, evicts nothing, and is reachable only by the roles', () => {
  const words = redis.command.join(' ');

  for (const setting of ['appendonly yes', 'appendfsync always', 'maxmemory-policy noeviction'])
    expect(words).toContain(`--${setting}`);
  expect(words).toContain('--requirepass "$$REDIS_PASSWORD"');
  expect(redis.volumes).toEqual(['redis:/data']);
  expect(networks['queue']?.internal).toBe(true);
});

test('the roles share only the network of Redis', () => {
  expect(bot.networks.filter((network) => worker.networks.includes(network))).toEqual(['queue']);
});

test('the grace period is longer than a role may need to stop', () => {
  const { stopSeconds } = configSchema.shape.limits.parse({});

  expect(worker.stop_grace_period).toBeGreaterThan(stopSeconds + 10);
  expect(bot.stop_grace_period).toBeGreaterThan(10);
});

test('the configuration is mounted where the image reads it, and the bot stores the last audit head', () => {
  const image = readText('deploy/Dockerfile');
  const [config, data] = ['WRENCH_CONFIG', 'WRENCH_DATA'].map(
    (name) => new RegExp(`${name}=(\\S+)`).exec(image)?.[1],
  );

  expect(worker.volumes).toEqual([`./wrench.yaml:${config}:ro`]);
  expect(bot.volumes).toEqual([`./wrench.yaml:${config}:ro`, `bot:${data}`]);
});
