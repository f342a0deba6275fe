import { createHmac, createSecretKey } from 'node:crypto'

/** Makes `Inventory.keyedHash`: HMAC-SHA-256 under the inventory's key, as hex. */
export function createKeyedHash(hashKey: Buffer): (text: string) => string {
  // Made once: making the key takes longer than hashing.
  const key = createSecretKey(hashKey)
  return (text) => createHmac('sha256', key).update(text).digest('hex')
}
