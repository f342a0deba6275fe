// Original file: proto/csi.proto


export interface GetPluginInfoResponse {
  /**
   * Domain-name form, at most 63 characters.
   */
  'name'?: (string);
  'vendorVersion'?: (string);
  'manifest'?: ({[key: string]: string});
}

export interface GetPluginInfoResponse__Output {
  /**
   * Domain-name form, at most 63 characters.
   */
  'name': (string);
  'vendorVersion': (string);
  'manifest': ({[key: string]: string});
}
