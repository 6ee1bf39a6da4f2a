import { expect, test } from 'vitest';
import { readTree } from './tree.ts';

const CODE = [...readTree(['src', 'commands'])].filter(([path]) => !path.endsWith('.test.ts'));

/** Without a length, the whole log travels through the message queue: https://bugs.launchpad.net/nova/+bug/832507 */
test('never requests the console output of an instance without a length', () => {
  const requests = CODE.filter(([, text]) => /getConsoleOutput|get_console_output/i.test(text));

  expect(
    requests.filter(([, text]) => !/getConsoleOutput'?: \{\s*length: \d/.test(text)).map(([path]) => path),
  ).toEqual([]);
});

test('changes nothing in a cloud but whether a compute service is enabled', () => {
  const source = CODE.filter(([path]) => path.startsWith('src/sources/openstack/'));
  const methods = source.flatMap(([path, text]) =>
    [...text.matchAll(/method: '(\w+)'/g)].map(([, method]) => `${path}: ${method}`),
  );
  const changes = source.flatMap(([path, text]) =>
    [...text.matchAll(/\.put\(\{\s*path: (.+)/g)].map(([, to]) => `${path}: ${to}`),
  );

  expect(methods.toSorted()).toEqual([
    'src/sources/openstack/login.ts: POST',
    'src/sources/openstack/nova-api.ts: PUT',
  ]);
  expect(changes).toEqual([
    'src/sources/openstack/service-writer.ts: `/os-services/${id}`,',
    "src/sources/openstack/service-writer.ts: isDisabling ? '/os-services/disable-log-reason' : '/os-services/enable',",
  ]);
});
