// What an authenticator says, as the console takes it: JSON with base64url in the place of bytes.

import { unbase64url } from "/static/envelope.js";

export const base64url = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
  .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

export const assertion = async (options) => {
  const asked = JSON.parse(options);
  asked.challenge = unbase64url(asked.challenge);
  asked.allowCredentials = asked.allowCredentials.map((c) => ({ ...c, id: unbase64url(c.id) }));
  const made = await navigator.credentials.get({ publicKey: asked });
  const { clientDataJSON, authenticatorData, signature } = made.response;
  const response = {
    clientDataJSON: base64url(clientDataJSON),
    authenticatorData: base64url(authenticatorData),
    signature: base64url(signature),
  };
  return JSON.stringify({ id: made.id, rawId: base64url(made.rawId), type: made.type, response });
};

export const registration = async (options) => {
  const asked = JSON.parse(options);
  asked.challenge = unbase64url(asked.challenge);
  asked.user.id = unbase64url(asked.user.id);
  asked.excludeCredentials = (asked.excludeCredentials ?? []).map((c) => ({ ...c, id: unbase64url(c.id) }));
  const made = await navigator.credentials.create({ publicKey: asked });
  const { clientDataJSON, attestationObject } = made.response;
  const response = { clientDataJSON: base64url(clientDataJSON), attestationObject: base64url(attestationObject) };
  return JSON.stringify({ id: made.id, rawId: base64url(made.rawId), type: made.type, response });
};
