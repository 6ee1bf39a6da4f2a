import { defineCommand } from '../kit.ts';

export const command = defineCommand({
  title: 'Certificates that expire, TLS versions of sites, details of a certificate',
});
