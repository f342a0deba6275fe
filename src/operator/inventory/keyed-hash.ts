import { createHmac, createSecretKey } from 'node:crypto'

/** HMAC-SHA-256, hex: Inventory.keyedHash under the inventory's key. */
export function createKeyedHash(hashKey: Buffer): (text: string) => string {
  // Made once: it takes longer than to hash what a pass has.
  const key = createSecretKey(hashKey)
  return (text) => createHmac('sha256', key).update(text).digest('hex')
}
