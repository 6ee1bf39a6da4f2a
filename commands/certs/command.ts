import { defineCommand } from '../kit.ts';

export const command = defineCommand({
  title: 'Certificates: expiry, drift, rotation, details, and TLS versions of sites',
});
