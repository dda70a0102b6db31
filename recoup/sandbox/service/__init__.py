"""What the API and the browser pages both do: payment methods, portal sessions, hosted invoices, 3-D Secure."""
