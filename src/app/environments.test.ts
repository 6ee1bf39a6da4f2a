import { expect, onTestFinished, test } from 'vitest';
import { configSchema } from '../config/schema.ts';
import { closeEnvironments, openEnvironments, type OpenEnvironment } from './environments.ts';

const files = (name: string) => ({ kind: 'files', name, paths: ['/nowhere/*.pem'] });
const etcd = (name: string, maintain: boolean) => ({
  kind: 'etcd',
  name,
  endpoints: ['http://127.0.0.1:9'],
  allow: { maintain },
});

/** Opening connects to nothing. */
async function openProd(): Promise<OpenEnvironment> {
  const sources = [files('disk'), etcd('cf', true), files('share'), etcd('other', false)];
  const config = configSchema.parse({ environments: { prod: { sources } } });
  const environments = await openEnvironments(config.environments);
  onTestFinished(() => closeEnvironments(environments));
  return environments.get('prod')!;
}

test('the reader of a port lists its sources in the order of the configuration, and a port without sources is left out', async () => {
  const { readers } = await openProd();
  const names = Object.entries(readers).map(([port, sources]) => [port, sources.map(({ name }) => name)]);
  expect(Object.fromEntries(names)).toEqual({ certificates: ['disk', 'share'], keyValue: ['cf', 'other'] });
});

test('a source has a writer if the configuration allows changes; otherwise changes are refused', async () => {
  const { sources, writers } = await openProd();
  expect(writers.keyValue('cf')).toBe(sources.find(({ name }) => name === 'cf')?.writes?.keyValue);
  const refused = { kind: 'refused', message: 'changes are not allowed: `allow` is not configured' };
  for (const ask of [
    () => writers.keyValue('other'),
    () => writers.keyValue('unknown'),
    () => writers.certificates('cf'),
    () => writers.processes('cf'),
  ])
    expect(ask).toThrow(expect.objectContaining(refused));
});
