import { expect, test } from 'vitest';
import { isPromising, missesCertificate } from './promising-name.ts';

const nothing = { requests: 0, keysAndLists: 0 };
const key = { requests: 0, keysAndLists: 1 };
const request = { requests: 1, keysAndLists: 0 };
const keyAndRequest = { requests: 1, keysAndLists: 1 };

test.each([
  ['rep.crt', nothing],
  ['rep.crt', key],
  ['rep.CRT', request],
  ['rep.cer', key],
  ['request.crt', request],
  ['a.cert', nothing],
  ['a.der', key],
  ['a.p7b', nothing],
  ['a.pfx', nothing],
  ['a.bks', nothing],
  ['a.bcfks', key],
  ['a.uber', nothing],
  ['a.pkipath', key],
  ['a.sst', nothing],
  ['a.truststore', nothing],
  ['cacerts', nothing],
  ['a.pem', nothing],
  ['a.pem', request],
  ['frequest.pem', request],
  ['server.pem', keyAndRequest],
])('%s with %j is a gap', (name, others) => {
  expect(missesCertificate(name, false, others)).toBe(true);
});

test.each([
  ['privkey.pem', key],
  ['dhparam.pem', key],
  ['crl.pem', key],
  ['csr.pem', request],
  ['web.csr.pem', keyAndRequest],
  ['web-req.pem', request],
  ['request.pem', request],
  ['a.key', nothing],
  ['a.csr', request],
  ['a.crl', nothing],
  ['id.pub', nothing],
  ['notes.txt', nothing],
  ['rep.crt.bak', nothing],
  ['cacerts.txt', nothing],
])('%s with %j is not a gap', (name, others) => {
  expect(missesCertificate(name, false, others)).toBe(false);
});

test('a file that is configured by its exact name is a gap if it contains nothing known', () => {
  expect(missesCertificate('tls', true, nothing)).toBe(true);
  expect(missesCertificate('tls.key', true, nothing)).toBe(true);
  expect(missesCertificate('tls.key', true, key)).toBe(false);
  expect(missesCertificate('tls.crt', true, key)).toBe(true);
});

test('a folder can be named cacerts', () => {
  expect(isPromising('cacerts')).toBe(false);
  expect(isPromising('certs.pem')).toBe(true);
  expect(isPromising('tls.key')).toBe(false);
});
