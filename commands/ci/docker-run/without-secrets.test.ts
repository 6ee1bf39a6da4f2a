import { expect, test } from 'vitest';
import { withoutSecrets } from './without-secrets.ts';

test.each([
  ['docker run -e DB_PASSWORD=canary-41 app', 'docker run -e DB_PASSWORD=… app'],
  ['docker run --env="API_TOKEN=canary-41" app', 'docker run --env="API_TOKEN=…" app'],
  ["docker run -e SECRET='canary 41' app", 'docker run -e SECRET=… app'],
  ['docker run app --token canary-41 --port 80', 'docker run app --token … --port 80'],
  ['docker run -e AWS_SECRET_ACCESS_KEY=canary-41 app', 'docker run -e AWS_SECRET_ACCESS_KEY=… app'],
])('the value of a secret is left out: %s', (command, expected) => {
  expect(withoutSecrets(command)).toBe(expected);
});

test.each([
  'docker run -e DB_PASSWORD=$DB_PASSWORD app',
  'docker run -e DB_PASSWORD="${{ secrets.DB }}" app',
  'docker run -e DB_PASSWORD app',
  'docker run --name tokens app:1 ./test --rm',
  'docker run -v $PWD:/w -w /w app',
  `${'token-'.repeat(20_000)} docker run app`,
])('anything else stays: %#', (command) => {
  expect(withoutSecrets(command) === command).toBe(true);
});
