/** Ends the management and changes nothing else. The pass records what stays behind. */
export const release = {
  async act(): Promise<undefined> {
    return undefined
  },
}
