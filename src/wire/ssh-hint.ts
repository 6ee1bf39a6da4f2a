import type { SourceError } from '../ports/source-error.ts';

/** How to fix what keeps Wrench from a host. undefined if it isn't about keys, agents or jump hosts. */
export function sshHint({ code, hostKey }: SourceError): string | undefined {
  if (hostKey) return 'Verify the host key on the host before you trust it';
  switch (code) {
    case 'SSH_AUTHENTICATION':
      return 'Add the public key to authorized_keys of the user, and check `user` and `key`';
    case 'SSH_KEY':
      return 'Check `key`, and that the user of the worker can read the file';
    case 'SSH_KNOWN_HOSTS':
      return 'Check `knownHosts`, and that the user of the worker can read the file';
    case 'SSH_AGENT':
      return 'Check `agent`, and that the user of the worker can use the socket';
    case 'SSH_FORWARDING':
      return 'Check that the jump host can connect to the hosts and allows forwarding';
    default:
      return undefined;
  }
}
