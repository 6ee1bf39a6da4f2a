/** `versioned_notifications.info`: the topics that services of OpenStack send events to, with their priority. */
const NOTIFICATIONS = /^(?:[\w-]*[_-])?notifications\.(?:debug|info|audit|warn|error|critical|sample)$/i;
const VERSIONED = /^versioned_notifications\./i;

/**
 * Whether a queue receives events for other programs, by its name: nothing in OpenStack waits for them. Other queues without a consumer may have a reader
 * that comes back. https://docs.openstack.org/nova/latest/admin/notifications.html
 */
export function isNotificationQueue(name: string): boolean {
  return NOTIFICATIONS.test(name.trim());
}

/** Nova sends both formats by default, and one of them usually has no reader. */
export function isVersioned(name: string): boolean {
  return VERSIONED.test(name.trim());
}
