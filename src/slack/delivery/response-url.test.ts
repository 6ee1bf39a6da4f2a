import { describe, expect, test } from 'vitest';
import { allowSlackUrls } from './response-url.ts';

const PATH = '/commands/T0123/1/abc';

describe('without a SLACK_API_URL', () => {
  const isSlackUrl = allowSlackUrls(undefined);

  test.each([
    `https://hooks.slack.com${PATH}`,
    `https://hooks.slack.com/actions/T0123/1/abc`,
    `https://hooks.slack.com:443${PATH}`,
    `https://hooks.slack-gov.com${PATH}`,
  ])('%s may be posted to', (url) => {
    expect(isSlackUrl(url)).toBe(true);
  });

  test.each([
    `http://hooks.slack.com${PATH}`,
    `ftp://hooks.slack.com${PATH}`,
    `https://slack.com${PATH}`,
    `https://example.com${PATH}`,
    `https://evil.hooks.slack.com${PATH}`,
    `https://hooks.slack.com.evil.example${PATH}`,
    `https://hooks-slack.com${PATH}`,
    `https://hooks.slack.com@evil.example${PATH}`,
    `https://hooks.slack.com:443@evil.example${PATH}`,
    `https://user@hooks.slack.com${PATH}`,
    `https://user:password@hooks.slack.com${PATH}`,
    `https://@hooks.slack.com${PATH}`,
    `https://hooks.slack.com:8443${PATH}`,
    `https://hooks.slack.com:80${PATH}`,
    `https://hooks.slack.com.${PATH}`,
    `https://hooks.slack.com%2eevil.example${PATH}`,
    `https://evil.example#https://hooks.slack.com${PATH}`,
    `https://evil.example\\@hooks.slack.com${PATH}`,
    `https://hooks.ſlack.com${PATH}`,
    `https://hooks。slack。com${PATH}`,
    `https://ｈooks.slack.com${PATH}`,
    `https://hooks.sl\tack.com${PATH}`,
    `https://hooks.slack.com\n.evil.example${PATH}`,
    ` https://hooks.slack.com${PATH}`,
    `https:hooks.slack.com${PATH}`,
    `https:///hooks.slack.com${PATH}`,
    `//hooks.slack.com${PATH}`,
    `https://127.0.0.1${PATH}`,
    `https://2130706433${PATH}`,
    `https://0x7f.1${PATH}`,
    `https://[::1]${PATH}`,
    `https://169.254.169.254/latest/meta-data`,
    'https://localhost',
    'javascript:alert(1)',
    'file:///etc/passwd',
    'unix:/run/redis.sock',
    'https://',
    'nonsense',
    '',
  ])('%j may not', (url) => {
    expect(isSlackUrl(url)).toBe(false);
  });
});

describe('with a SLACK_API_URL', () => {
  const isSlackUrl = allowSlackUrls('http://127.0.0.1:4010/api/');

  test.each([`http://127.0.0.1:4010${PATH}`, `https://hooks.slack.com${PATH}`])(
    '%s may be posted to',
    (url) => {
      expect(isSlackUrl(url)).toBe(true);
    },
  );

  test.each([
    `https://127.0.0.1:4010${PATH}`,
    `http://127.0.0.1:4011${PATH}`,
    `http://127.0.0.1${PATH}`,
    `http://127.1:4010${PATH}`,
    `http://localhost:4010${PATH}`,
    `http://user@127.0.0.1:4010${PATH}`,
  ])('%s may not', (url) => {
    expect(isSlackUrl(url)).toBe(false);
  });

  test('the default port of a scheme may be given or omitted', () => {
    expect(allowSlackUrls('https://slack-gov.com/api/')(`https://slack-gov.com:443${PATH}`)).toBe(true);
    expect(allowSlackUrls('https://proxy.example:443/api/')(`https://proxy.example${PATH}`)).toBe(true);
  });
});
