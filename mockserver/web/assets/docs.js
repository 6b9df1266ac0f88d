// Loads the OpenAPI document of this server and hands it to Swagger UI. Nothing here leaves this server.
"use strict";

(() => {
  const place = document.getElementById("reference");
  // Relative to this page: right under any host, and under the prefix of a proxy.
  const here = location.origin + location.pathname;
  const base = new URL(place.dataset.base, here).href.replace(/\/$/, "");

  function say(text, form) {
    const notice = document.createElement("div");
    notice.className = "notice";
    notice.setAttribute("role", "alert");
    notice.textContent = text;
    if (form) notice.append(form);
    place.replaceChildren(notice);
    form?.querySelector("input").focus();
  }

  // An admin API with a token gives its document to who has it.
  function askForToken() {
    const form = document.createElement("form");
    const field = document.createElement("input");
    field.type = "password";
    field.autocomplete = "off";
    field.required = true;
    field.setAttribute("aria-label", "Token");
    const button = document.createElement("button");
    button.textContent = "Show the reference";
    form.append(field, button);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      load(field.value.trim());
    });
    return form;
  }

  async function load(token) {
    let answer;
    try {
      const headers = token ? { Authorization: `Bearer ${token}` } : {};
      answer = await fetch(new URL(place.dataset.document, here), { headers, cache: "no-cache" });
      if (answer.status === 401) {
        say(token ? "This is not the admin token of the server." : "The admin API asks for its token.", askForToken());
        return;
      }
      if (!answer.ok) throw new Error(`it answers ${answer.status}`);
      show(await answer.json(), token);
    } catch (problem) {
      say(`The OpenAPI document of this server cannot be shown: ${problem.message}`);
    }
  }

  // What only this page adds to the document: where it is served, and what is handy in a form.
  const PREFER = {
    name: "Prefer",
    in: "header",
    description: "Of this sandbox alone: what this one answer shall be, as `outcome=blocked`, `answers=generated`, " +
      "`validation=strict`, `code=503` or `delay=250` (milliseconds); several with commas.",
    schema: { type: "string" },
  };

  function prepared(api) {
    api.servers = [{ url: base, description: "this server" }];
    for (const entry of Object.values(api.components?.parameters ?? {})) {
      if (entry.in === "path" && entry.name.endsWith("Id")) entry.example ??= entry.name; // as the documented curls
    }
    for (const [path, item] of Object.entries(api.paths)) {
      const shared = item.parameters ?? [];
      delete item.parameters;
      for (const facts of Object.values(item)) {
        facts.parameters = [...shared, ...(facts.parameters ?? [])];
        facts.tags ??= [path.split("/")[2] ?? "other"]; // the admin API's areas
        if (facts["x-sdk-name"]) {
          facts.parameters.push(PREFER);
          const known = `In the SDKs \`${facts["x-sdk-name"]}\`; evidence: ${facts["x-evidence"]}.`;
          facts.description = `${facts.description ?? ""}\n\n${known}`;
        }
      }
    }
    return api;
  }

  function show(api, token) {
    place.replaceChildren(); // Swagger UI takes the element over
    const ui = SwaggerUIBundle({
      spec: prepared(api),
      domNode: place,
      deepLinking: true,
      displayRequestDuration: true,
      tryItOutEnabled: true,
      persistAuthorization: place.dataset.keepsKey === "yes",
      validatorUrl: null, // the default sends the document to a server of its makers
      queryConfigEnabled: false,
      defaultModelsExpandDepth: 0,
      syntaxHighlight: { theme: "obsidian" },
      onComplete: () => {
        if (token) ui.preauthorizeApiKey("adminToken", token);
        document.documentElement.dataset.ready = "yes";
      },
    });
  }

  const dark = matchMedia("(prefers-color-scheme: dark)");
  const shade = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
  dark.addEventListener("change", shade);
  shade();
  load("");
})();
