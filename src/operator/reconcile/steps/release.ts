/** Ends the management, and touches nothing else; the pass records what stays behind. */
export const release = {
  async act(): Promise<undefined> {
    return undefined
  },
}
