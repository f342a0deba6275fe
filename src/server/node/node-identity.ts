/** What the API calls this machine. */
export interface NodeIdentity {
  /** UUID, chosen at the first start. */
  readonly id: string
  readonly name: string
  readonly region: string
  readonly datacenter: string
}
