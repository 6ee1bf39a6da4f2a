import type { Story } from '../../kit.ts';
import type { Facts, Negotiated } from './collect.ts';

function site(name: string, protocol: Negotiated['protocol'], legacyOnly = false): Negotiated {
  return { place: `edge:${name}:443`, servername: name, address: '203.0.113.7:443', protocol, legacyOnly };
}

export const firefox74: Story<Facts> = {
  title: 'Government sites stop opening after a browser update',
  source: 'https://hacks.mozilla.org/2020/02/its-the-boot-for-tls-1-0-and-tls-1-1/',
  now: new Date('2020-03-23T17:00:00Z'),
  facts: {
    handshakes: [
      site('forms.example.gov', 'TLSv1.2'),
      site('health.example.gov', 'TLSv1', true),
      site('www.example.gov', 'TLSv1.3'),
    ],
  },
};

export const noTls13: Story<Facts> = {
  title: 'A download fails because its client speaks only TLS 1.3',
  source: 'https://github.com/ziglang/zig/issues/14172',
  now: new Date('2024-02-08T12:00:00Z'),
  facts: { handshakes: [site('ccrma.stanford.edu', 'TLSv1.2')] },
};
